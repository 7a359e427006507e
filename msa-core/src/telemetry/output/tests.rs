use std::sync::Condvar;

use super::*;

/// A pipe with room for so much, whose reader reads when it is told to.
#[derive(Default)]
struct Pipe {
    held: Mutex<Held>,
    read: Condvar,
}

#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    reads: bool,
    asked: usize,
}

const ROOM: usize = 100;

impl Sink for Arc<Pipe> {
    fn room(&self) -> usize {
        let mut held = self.held.lock().unwrap();
        held.asked += 1;
        if held.reads || held.bytes.is_empty() {
            ROOM
        } else {
            0
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut held = self.held.lock().unwrap();
        while !held.reads && held.bytes.len() + bytes.len() > ROOM {
            held = self.read.wait(held).unwrap();
        }
        held.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

fn piped() -> (Output, Arc<Pipe>) {
    let pipe = Arc::new(Pipe::default());
    (Output::to(Box::new(pipe.clone())), pipe)
}

/// Waits for the thread, which has something to do.
fn caught_up(output: &Output) {
    while output.is_behind() {
        std::thread::yield_now();
    }
}

#[test]
fn nobody_waits_for_a_reader_that_stalls_and_its_lines_come_in_order() {
    let (output, pipe) = piped();
    for number in 0..1000 {
        output.line(format!("{number:03}\n").as_bytes()).unwrap();
    }
    assert!(output.is_behind());
    assert_eq!(
        pipe.held.lock().unwrap().asked,
        2,
        "once, and again when that was used up"
    );
    pipe.held.lock().unwrap().reads = true;
    pipe.read.notify_all();
    caught_up(&output);
    output.line(b"last\n").unwrap();
    let read = String::from_utf8(pipe.held.lock().unwrap().bytes.clone()).unwrap();
    let expected: String = (0..1000).map(|number| format!("{number:03}\n")).collect();
    assert_eq!(read, format!("{expected}last\n"));
    assert_eq!(output.lost(), 0);
}

#[test]
fn what_does_not_fit_into_the_buffer_is_lost_and_counted() {
    let (output, pipe) = piped();
    let line = [b'x'; 99];
    output.line(&line).unwrap();
    let lines = 4 * WAITING / line.len();
    for _ in 0..lines {
        output.line(&line).unwrap();
    }
    let lost = usize::try_from(output.lost()).unwrap();
    // As much as waits may have been taken by the thread before.
    assert!(
        lost >= lines - 2 * (WAITING / line.len()) - 1 && lost < lines,
        "{lost} of {lines}"
    );
    pipe.held.lock().unwrap().reads = true;
    pipe.read.notify_all();
    caught_up(&output);
    let read = pipe.held.lock().unwrap().bytes.len();
    assert_eq!(read, (lines + 1 - lost) * line.len());
}
