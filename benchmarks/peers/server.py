"""nginx as the server: our own configuration, our own child, on loopback and on a processor core of its own."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

SERVER_CORE = 1
_CONFIGURATION = """
user {owner};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    open_file_cache max=15000 inactive=600s;
    open_file_cache_valid 600s;
    default_type application/json;
    types {{ image/jpeg jpg; }}
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
        location = /ready {{ return 204; }}
        location /cms/content/ {{ rewrite ^/cms/content/(\\d+)$ /content/$1.json break; }}
        location /cms/publication/1/content {{ try_files /list/$arg_page.json =404; }}
        location /i/ {{ rewrite ^/i/[^/]+/(\\d+)x0/.*/(\\d+\\.jpg)$ /pictures/$1-$2 break; }}
        location /dailymaverick/ {{ rewrite /(\\d+\\.jpg)$ /pictures/original-$1 break; }}
    }}
}}
"""


MISSING = "nginx is not installed, and is the server here (apt-get install nginx-light)"


def find_nginx() -> str | None:
    """Return the path of nginx; None when it is not installed."""
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(folder: Path, port: int) -> Iterator[None]:
    """Serve `folder/files` until the block ends. Raises RuntimeError when nginx is missing or does not start."""
    nginx = find_nginx()
    if nginx is None:
        raise RuntimeError(MISSING)
    configuration = folder / "nginx.conf"
    owner = (
        f"{pwd.getpwuid(os.geteuid()).pw_name} {grp.getgrgid(os.getegid()).gr_name}"  # root's nginx would be another
    )
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, owner=owner), encoding="utf-8")
    command = ["taskset", "--cpu-list", str(SERVER_CORE), nginx, "-p", str(folder), "-c", str(configuration)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(port, process)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if process.poll() is not None:
            raise RuntimeError(f"nginx ended at once with status {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("nginx does not answer")
