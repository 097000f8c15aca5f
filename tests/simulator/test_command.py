"""`backfile simulate` with days: the newsroom in a process of its own, told what to do over HTTP."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import aiohttp

COMMAND = (sys.executable, "-m", "backfile.cli", "simulate", "--articles", "30")


async def test_days_pass_when_the_process_is_told_to(tmp_path: Path) -> None:
    """It says where it listens, moves its clock by a POST, tells what happened, and ends by a signal."""
    room = await asyncio.create_subprocess_exec(*COMMAND, "--days", "3", "--events", "7", stdout=PIPE, cwd=tmp_path)
    assert room.stdout is not None
    try:
        url = (await asyncio.wait_for(room.stdout.readline(), 30)).decode().split()[-1]
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{url}/_box/clock?days=2") as response:
                shown = await response.json()
            async with session.get(f"{url}/_box/history.json") as response:
                told = json.loads(await response.read())
    finally:
        room.send_signal(signal.SIGTERM)
        ended = await asyncio.wait_for(room.wait(), 30)
    assert (shown["day"], shown["events"], shown["planned"]) == (3, 14, 7)
    assert [event["day"] for event in told["events"]] == [1] * 7 + [2] * 7
    assert ended == 0


async def test_a_webhook_without_a_secret_is_refused(tmp_path: Path) -> None:
    """Nothing is posted unsigned: the variable that is not set is named, and the exit status is that of wrong usage."""
    options = ("--webhook", "http://127.0.0.1:1/", "--webhook-secret-env", "NO_SUCH_SECRET")
    room = await asyncio.create_subprocess_exec(*COMMAND, *options, stderr=PIPE, cwd=tmp_path)
    _, complaint = await asyncio.wait_for(room.communicate(), 30)
    assert room.returncode == 2
    assert "NO_SUCH_SECRET is not set" in " ".join(complaint.decode().split())
