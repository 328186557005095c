"""An OpenAI-style provider on loopback that adds two numbers; `hasty` errs where five divides."""

import json
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        text = " ".join(str(message["content"]) for message in asked["messages"])
        if "teapot" in text:
            return self.answer(500, {"error": {"message": "the kettle is out", "code": "kettle"}})
        if "slowly" in text:
            time.sleep(8)
        total = sum(int(number) for number in re.findall(r"\d+", text)[-2:])
        if asked["model"] == "hasty" and total % 5 == 0:
            total += 1
        words = len(text.split())
        message = {"role": "assistant", "content": str(total)}
        return self.answer(
            200,
            {
                "id": "c1",
                "object": "chat.completion",
                "created": 1700000000,
                "model": asked["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {
                    "prompt_tokens": words,
                    "completion_tokens": 1,
                    "total_tokens": words + 1,
                },
            },
        )

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", 8786), Handler).serve_forever()
