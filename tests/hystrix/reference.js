// One event of a reference implementation of the Hystrix stream, on standard output: a circuit that succeeded once and failed once.
'use strict'

const { Writable } = require('stream')
const CircuitBreaker = require('opossum')
const HystrixStats = require('opossum-hystrix')

const work = async fails => {
  if (fails) throw new Error('as asked')
}
const circuit = new CircuitBreaker(work, { name: 'stock', group: 'stock', rollingCountTimeout: 1000 })
const print = new Writable({
  objectMode: true,
  write (event) {
    process.stdout.write(event.toString(), () => process.exit(0))
  }
})
new HystrixStats([circuit]).getHystrixStream().pipe(print)
circuit.fire(false).then(() => circuit.fire(true)).catch(() => {})
// It snapshots once a bucket; without one it has nothing to say.
setTimeout(() => process.exit(1), 20000)
