"""A Google Cloud Storage small enough for tests, for the clients that people use: its JSON API, as far as these ask.

https://cloud.google.com/storage/docs/json_api/v1
"""

import itertools
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import pytest


@contextmanager
def in_place_of_googles():
    """A store that the clients of this process, and of those that it starts, take for Google's."""
    with Store() as store, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", store.url)
        patch.setenv("TENSORSTORE_GCS_HTTP_URL", store.url)
        patch.setenv("GOOGLE_AUTH_TOKEN_FOR_TESTING", "anybody")
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # which would ask by gRPC what kind of bucket it is
        yield store


class Object(NamedTuple):
    data: bytes
    generation: int


class Refused(Exception):  # noqa: N818 - an answer, no fault of ours
    """An answer other than 200."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Store(ThreadingHTTPServer):
    """Buckets of objects in memory, served on the loopback address while it is entered."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Requests)
        self.buckets = {}  # name to {name: Object}
        self.refuses = lambda method, bucket, name: None  # or a status
        self.puts = []  # names, in the order in which they were put
        self.uploads = {}  # begun in parts
        self.clock = itertools.count(1)
        self.lock = threading.RLock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def files(self, bucket, folder):
        """What a listing of all below a folder would show: relative names to contents."""
        found = self.buckets[bucket].items()
        return {name.removeprefix(f"{folder}/"): o.data for name, o in found if name.startswith(f"{folder}/")}

    def handle_error(self, request, client_address):
        """A client that was killed has closed its connection: no news."""


class Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one packet: in two, the second waits 40 ms for the first to be acknowledged

    def answer(self):
        url = urlsplit(self.path)
        self.query = {key: values[0] for key, values in parse_qs(url.query).items()}
        body = self.body()
        for pattern, methods in ROUTES.items():
            if (found := re.fullmatch(pattern, url.path)) and self.command in methods:
                names = [unquote(part) for part in found.groups()]
                break
        else:
            return self.send(501, {"error": {"code": 501, "message": f"{self.command} {url.path}"}})
        store = self.server
        try:
            if status := store.refuses(self.command, names[0], names[1] if len(names) > 1 else self.query.get("name")):
                raise Refused(status, "this caller has no access" if status in (401, 403) else "try later")
            with store.lock:
                if names[0] not in store.buckets:
                    raise Refused(404, "The specified bucket does not exist.")
                self.send(*methods[self.command](self, store.buckets[names[0]], *names, body=body))
        except Refused as refused:
            self.send(refused.status, {"error": {"code": refused.status, "message": str(refused)}})

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - as the base class calls them

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def send(self, status, content, headers=()):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass

    def bucket(self, objects, bucket, *, body):
        return 200, {"kind": "storage#bucket", "name": bucket, "id": bucket, "location": "HERE"}

    def listing(self, objects, bucket, *, body):
        prefix, delimiter = self.query.get("prefix", ""), self.query.get("delimiter")
        items, prefixes = [], []
        for name in sorted(objects):
            if not name.startswith(prefix) or name < self.query.get("startOffset", ""):
                continue
            if "endOffset" in self.query and name >= self.query["endOffset"]:
                continue
            head, found, _ = name[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if not found:
                items.append(resource(bucket, name, objects[name]))
            elif prefix + head + delimiter not in prefixes:
                prefixes.append(prefix + head + delimiter)
        return 200, {"kind": "storage#objects", "items": items, "prefixes": prefixes}

    def get(self, objects, bucket, name, *, body):
        found = self.matched(objects, name)
        if found is None:
            raise Refused(404, f"No such object: {bucket}/{name}")
        if self.query.get("alt") != "media":
            return 200, resource(bucket, name, found)
        headers = {"x-goog-generation": str(found.generation), "x-goog-metageneration": "1"}
        if part := re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or ""):
            size = len(found.data)
            first = int(part[1]) if part[1] else size - int(part[2])
            last = min(int(part[2]) if part[1] and part[2] else size - 1, size - 1)
            if first > last:
                raise Refused(416, "Requested range not satisfiable")
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
            return 206, found.data[first : last + 1], headers
        return 200, found.data, headers

    def matched(self, objects, name):
        """An object, if it is as the conditions of a request want it."""
        found = objects.get(name)
        generation = found.generation if found else 0
        if int(self.query.get("ifGenerationMatch", generation)) != generation:
            raise Refused(412, "conditionNotMet")
        if found and int(self.query.get("ifGenerationNotMatch", -1)) == generation:
            raise Refused(304, "not modified")
        return found

    def put(self, objects, bucket, name, data):
        self.matched(objects, name)
        objects[name] = Object(data, next(self.server.clock))
        self.server.puts.append(name)
        return 200, resource(bucket, name, objects[name])

    def upload(self, objects, bucket, *, body):
        if "upload_id" in self.query:
            return self.upload_part(objects, bucket, body)
        kind = self.query["uploadType"]
        if kind == "media":
            return self.put(objects, bucket, self.query["name"], body)
        if kind == "multipart":
            boundary = re.search('boundary="?([^"]+)"?', self.headers["Content-Type"])[1].encode()
            _, about, content, _ = re.split(rb"\r?\n?--" + re.escape(boundary), body)
            told, data = (re.split(rb"\r?\n\r?\n", part, maxsplit=1)[1] for part in (about, content))
            return self.put(objects, bucket, json.loads(told)["name"], data)
        number = str(len(self.server.uploads))
        self.server.uploads[number] = (self.query.get("name") or json.loads(body)["name"], b"")
        return 200, {}, {"Location": f"{self.server.url}{self.path}&upload_id={number}"}

    def upload_part(self, objects, bucket, body):
        name, data = self.server.uploads[self.query["upload_id"]]
        data += body
        self.server.uploads[self.query["upload_id"]] = (name, data)
        if self.headers["Content-Range"].endswith("/*"):
            return 308, {}, {"Range": f"bytes=0-{len(data) - 1}"}
        return self.put(objects, bucket, name, data)

    def delete(self, objects, bucket, name, *, body):
        if self.matched(objects, name) is None:
            raise Refused(404, f"No such object: {bucket}/{name}")
        del objects[name]
        return 204, b""

    def move(self, objects, bucket, name, target, *, body):
        if name not in objects:
            raise Refused(404, f"No such object: {bucket}/{name}")
        return self.put(objects, bucket, target, objects.pop(name).data)


def resource(bucket, name, found):
    return {
        "kind": "storage#object",
        "name": name,
        "bucket": bucket,
        "generation": str(found.generation),
        "metageneration": "1",
        "size": str(len(found.data)),
        "updated": "2026-11-26T00:00:00.000000Z",
        "timeCreated": "2026-11-26T00:00:00.000000Z",
    }


BUCKET = "/storage/v1/b/([^/]+)"
ROUTES = {
    BUCKET: {"GET": Requests.bucket},
    f"{BUCKET}/o": {"GET": Requests.listing},
    f"{BUCKET}/o/([^/]+)": {"GET": Requests.get, "DELETE": Requests.delete},
    f"{BUCKET}/o/([^/]+)/moveTo/o/([^/]+)": {"POST": Requests.move},
    f"/download{BUCKET}/o/([^/]+)": {"GET": Requests.get},
    f"/upload{BUCKET}/o": {"POST": Requests.upload, "PUT": Requests.upload},
}
