"""A training with a page: what it answers to a program (`requests`), to readers that hang, and to a browser (`browser`)."""
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import browser

CNNC, what = sys.argv[1:]


def start(*flags):
    """A training and the address of its page."""
    process = subprocess.Popen([CNNC, "run", "m.cnn", "--epochs", "1000000", "--web", *flags], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    found = re.fullmatch(r"cnnc: the page of this training: (http://127\.0\.0\.1:(\d+)/[0-9a-f]{32}/)\n", line)
    assert found, line
    return process, found[1], int(found[2])


def ask(address, method="GET", status=200, **headers):
    """The answer's text and headers."""
    request = urllib.request.Request(address, method=method, headers=headers)
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    assert answer.status == status, (address, answer.status)
    return answer.read().decode(), answer.headers


def wait(wanted, why):
    end = time.monotonic() + 60
    while not (got := wanted()):
        assert time.monotonic() < end, why
        time.sleep(0.02)
    return got


def events(page):
    return [json.loads(line) for line in ask(page + "events")[0].splitlines()]


def of_kind(page, kind):
    return [e for e in events(page) if e["event"] == kind]


def requests():
    process, page, port = start("--out", "asked")
    root = "http://127.0.0.1:%d/" % port

    # Whoever lacks the token, or comes by another name, gets nothing.
    for bad in (root, root + "live", root + "0" * 32 + "/", page[:-2] + "/"):
        text, headers = ask(bad, status=403)
        assert "token" in text and "svg" not in text
    for method in ("GET", "POST"):
        ask(page + "stop", method, 403, Host="evil.example")
    ask(page, Host="localhost:1")
    ask(page + "stop", status=405)
    ask(page + "live", "POST", 405)
    ask(page + "nothing", status=404)
    with socket.create_connection(("127.0.0.1", port)) as rude:  # no HTTP
        rude.sendall(b"\0\xff" * 1000 + b"\r\n\r\n")

    # One file that needs no other, and that a browser takes nothing else for.
    wait(lambda: of_kind(page, "epoch"), "no epoch")
    text, headers = ask(page)
    assert not re.search(r'<link|(src|href)="(?!data:)|url\(|@import|https?://(?!www\.w3\.org/)', text), "the page needs other files"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy, policy
    assert headers["Cache-Control"] == "no-store" and headers["Referrer-Policy"] == "no-referrer"
    for word in ("By steps", "By epochs", "Layers", "conv1", "<svg", "running", "Stop", "Checkpoint now"):
        assert word in text, word

    # The pictures of mistakes, once an epoch has some.
    def pictures():
        live, headers = ask(page + "live")
        return int(headers["Cnnc-Pictures"]) and ask(page + "pictures")[0]
    text = wait(pictures, "no pictures")
    assert text.count("<img") == text.count("taken for"), text

    # Events come in parts, each once.
    first, headers = ask(page + "events?after=0")
    number = int(headers["Cnnc-Number"])
    more = wait(lambda: ask(page + "events?after=%d" % number)[0], "nothing new")
    last = [json.loads(line) for line in first.splitlines()][-1]
    assert all(e["step"] >= last["step"] for e in map(json.loads, more.splitlines()))

    # Readers that never read: more than are served at a time. The training goes on, and so does the page when they are gone.
    hanging = []
    for _ in range(40):
        hanging.append(socket.create_connection(("127.0.0.1", port)))
        hanging[-1].sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (page[len(root) - 1:] + "events").encode() * 20)
    path, size = "asked/events.jsonl", os.path.getsize("asked/events.jsonl")
    wait(lambda: os.path.getsize(path) > size + 50000, "the training waits for readers that hang")
    for connection in hanging:
        connection.close()

    # A checkpoint now: the model writes none by itself.
    assert not of_kind(page, "checkpoint")
    assert "A checkpoint is written" in ask(page + "checkpoint", "POST")[0]
    file = wait(lambda: of_kind(page, "checkpoint"), "no checkpoint")[0]["file"]
    assert os.path.exists(file), file

    # Stop: as Ctrl-C, and a page that is open gets to know how it ended.
    ask(page + "live")
    assert "stops after the running step" in ask(page + "stop", "POST")[0]
    end = ""
    while "asked/report.html" not in end:
        end, headers = ask(page + "live")
        time.sleep(0.05)
    assert headers["Cnnc-Ended"] == "1" and "interrupted: stopped by its page after step" in end, end
    assert process.wait(60) == 130
    said = process.stderr.read()
    assert re.search(r"stopped by its page after step \d+; --resume=asked goes on from there", said), said
    written = [json.loads(line) for line in open(path)]
    assert written[-1]["event"] == "end" and written[-1]["status"] == 130
    steps = {e["step"]: e for e in written if e["event"] == "step"}
    told = [e for e in map(json.loads, (first + more).splitlines()) if e["event"] == "step"]
    assert told and all(steps[e["step"]] == e for e in told), "other events than events.jsonl has"
    assert os.path.exists("asked/last.safetensors") and os.path.exists("asked/report.html")
    try:
        ask(page)
        raise SystemExit("the page is there after the process")
    except urllib.error.URLError:
        pass

    # Without a run folder there are no checkpoints, and no button for them.
    process, page, port = start("--no-out", "--quiet")
    assert "Checkpoint now" not in ask(page)[0]
    assert "no run folder" in ask(page + "checkpoint", "POST", 409)[0]
    ask(page + "stop", "POST")
    assert process.wait(60) == 130
    process.stderr.close()


def in_browser():
    process, address, port = start("--out", "browsed")
    page = browser.Page(address, 360)
    try:
        page.wait("document.querySelectorAll('#live svg').length > 5")
        step = "[...document.querySelectorAll('#live tr')].find(r => r.innerText.startsWith('step')).innerText"
        seen = page.value(step)
        page.wait("%s !== %s" % (step, json.dumps(seen)))  # it lives
        page.wait("document.querySelectorAll('#pictures img').length > 0")
        assert page.value("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than its window"
        assert page.value("getComputedStyle(document.getElementById('stop')).cursor") == "pointer", "its styles are refused"
        page.value("document.getElementById('checkpoint').click()")
        page.wait("document.getElementById('live').innerText.includes('browsed/checkpoint-')")
        page.value("document.getElementById('stop').click()")
        assert process.wait(60) == 130
        page.wait("document.getElementById('said').textContent.includes('The training has ended')")
        assert page.value("document.getElementById('live').innerText.includes('browsed/report.html')")
        assert page.value("[...document.querySelectorAll('button')].every(b => b.disabled)")
        assert not page.complaints, page.complaints
    finally:
        page.close()
        process.kill()
        process.stderr.close()


if what == "browser" and not browser.find():
    print("the page is not looked at in a browser: there is no chromium")
else:
    {"requests": requests, "browser": in_browser}[what]()
