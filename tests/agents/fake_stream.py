#!/usr/bin/env python3
"""A program that speaks stream-json as a coding agent does, and does what the message says.

Words, at the message's beginning (behind "[sender] "):
  plain TEXT      says TEXT (in one piece) and ends the turn
  slow            writes piece by piece, waiting for a file between them: $FAKE_DIR/go
  tool            uses a tool that needs nobody's leave, then answers
  permission      asks for leave, and says what became of it
  bigpermission   asks with an input that fits into no message
  hidden          asks with an input that holds characters nobody sees
  crash           writes some text, then exits with 3 and words on standard error
  die             exits with 4 before it has written anything
  hang            never says a word again; "interrupt" is ignored
  quiet           says nothing until it is interrupted
  flood           400 KiB of text
  badline         a line that is no JSON, unknown types, then the answer
  longline        a line of 9 MiB, then the answer
  long            an answer of several thousand characters, with a code fence
  orphan          leaves a child process behind, whose pid it says
  env             says its environment, directory, descriptors and group
  error           ends the turn with error_max_turns
  session         says the session it goes on with
"""
import json
import os
import subprocess
import sys
import time
import uuid

DIR = os.environ.get("FAKE_DIR", "/tmp")
session = str(uuid.uuid4())
turns = 0
cost = 0.0


def put(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def delta(text):
    put({"type": "stream_event", "event": {"type": "content_block_delta", "index": 0,
         "delta": {"type": "text_delta", "text": text}}, "session_id": session})


def block(content):
    put({"type": "assistant", "message": {"role": "assistant", "content": [content]},
         "session_id": session})


def result(text, uid, subtype="success", error=False):
    global turns, cost
    turns += 1
    cost += 0.25
    put({"type": "result", "subtype": subtype, "is_error": error, "result": text,
         "session_id": session, "user_message_uuid": uid, "num_turns": turns,
         "total_cost_usd": cost})


def answer(text, uid):
    block({"type": "text", "text": text})
    result(text, uid)


def read():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    try:
        return json.loads(line)
    except ValueError:
        print("bad input line", file=sys.stderr)
        sys.exit(1)


def wait_for(name):
    while not os.path.exists(os.path.join(DIR, name)):
        time.sleep(0.01)


def ask(tool, tool_input, uid):
    put({"type": "control_request", "request_id": "req-1",
         "request": {"subtype": "can_use_tool", "tool_name": tool, "input": tool_input}})
    while True:
        value = read()
        if value.get("type") == "control_response":
            break
    response = value["response"]["response"]
    if response["behavior"] == "allow":
        answer("allowed " + json.dumps(response["updatedInput"], sort_keys=True), uid)
    else:
        answer("denied: " + response["message"], uid)


def turn(text, uid):
    text = text[text.index("] ") + 2:]
    word, _, rest = text.partition(" ")
    if word == "die":
        print("I die at once", file=sys.stderr)
        sys.exit(4)
    if word == "hang":
        while True:
            time.sleep(1)
    put({"type": "system", "subtype": "init", "session_id": session, "tools": ["Bash"],
         "model": "fake"})
    if word == "plain":
        delta(rest[:3])
        answer(rest, uid)
    elif word == "slow":
        delta("one ")
        wait_for("go")
        delta("two")
        answer("one two", uid)
    elif word == "many":
        for i in range(200):
            delta("%d " % i)
            time.sleep(0.005)
        answer("done", uid)
    elif word == "tool":
        block({"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls\n-l"}})
        put({"type": "user", "message": {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": "a b"}]}})
        answer("there are two files", uid)
    elif word == "permission":
        ask("Bash", {"command": "make install", "n": 1}, uid)
    elif word == "bigpermission":
        ask("Write", {"content": "x" * 5000}, uid)
    elif word == "hidden":
        ask("Bash", {"command": "ls \u202e\u200b\u001b[8m"}, uid)
    elif word == "crash":
        delta("half of it")
        for i in range(25):
            print("line %d" % i, file=sys.stderr)
        sys.stderr.flush()
        sys.exit(3)
    elif word == "quiet":
        while True:
            value = read()
            if value.get("type") == "control_request":
                put({"type": "control_response", "response": {
                    "subtype": "success", "request_id": value["request_id"]}})
                result("", uid, "error_during_execution", True)
                return
    elif word == "flood":
        for i in range(400):
            block({"type": "text", "text": "y" * 1024})
        result("z" * (400 * 1024), uid)
    elif word == "badline":
        sys.stdout.write("this is no JSON {\n")
        put({"type": "rate_limit_event", "x": 1})
        put([1, 2])
        answer("still here", uid)
    elif word == "longline":
        put({"type": "stream_event", "pad": "x" * (9 << 20)})
        answer("after it", uid)
    elif word == "long":
        text = "\n\n".join("paragraph %d " % i + "w" * 800 for i in range(6))
        text += "\n\n```c\n" + "\n".join("line %d;" % i for i in range(600)) + "\n```\n\nthe end"
        answer(text, uid)
    elif word == "orphan":
        orphan = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        answer("pid %d" % orphan.pid, uid)
    elif word == "env":
        answer(json.dumps({"env": sorted(os.environ), "cwd": os.getcwd(),
                           "fds": sorted(int(n) for n in os.listdir("/proc/self/fd"))[:3] and
                           len(os.listdir("/proc/self/fd")),
                           "leader": os.getpgrp() == os.getsid(0)}), uid)
    elif word == "error":
        block({"type": "text", "text": "as far as I got"})
        result("", uid, "error_max_turns", False)
    elif word == "session":
        answer("session " + session, uid)
    else:
        answer("what is " + word + "?", uid)


def main():
    global session
    if "--resume" in sys.argv:
        session = sys.argv[sys.argv.index("--resume") + 1]
        if os.path.exists(os.path.join(DIR, "forget")):
            put({"type": "result", "subtype": "error_during_execution", "is_error": True,
                 "session_id": "", "errors": ["No conversation found with session ID"]})
            sys.exit(1)
    while True:
        value = read()
        if value.get("type") == "user":
            turn(value["message"]["content"], value["uuid"])


main()
