"""A service between two of ours, made of OpenTelemetry's SDK for Python: it goes on with the trace and asks the next one.

OTEL_PROPAGATORS says which headers it reads and writes; NEXT says whom it asks. It prints its port, and answers with what it saw.
"""

import json
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry import baggage, propagate, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind

trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("hop")


class Hop(BaseHTTPRequestHandler):
    def do_GET(self):
        came = {name.lower(): value for name, value in self.headers.items()}
        context = propagate.extract(came)
        with tracer.start_as_current_span("hop", context=context, kind=SpanKind.SERVER) as served:
            with tracer.start_as_current_span("ask", kind=SpanKind.CLIENT) as asked:
                headers = {}
                propagate.inject(headers, context=trace.set_span_in_context(asked, context))
                request = urllib.request.Request(os.environ["NEXT"], headers=headers)
                with urllib.request.urlopen(request) as answer:
                    below = json.load(answer)
        parent = served.parent
        seen = {
            "trace": format(served.get_span_context().trace_id, "032x"),
            "parent": parent and format(parent.span_id, "016x"),
            "sampled": bool(parent and parent.trace_flags.sampled),
            "asked": format(asked.get_span_context().span_id, "016x"),
            "baggage": dict(baggage.get_all(context)),
            "below": below,
        }
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Hop)
print(server.server_port, flush=True)
server.serve_forever()
