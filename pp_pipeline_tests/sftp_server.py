"""A real SFTP server on a free port of this machine, over a real folder: for the tests of fetching."""

import os
import socket
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
from paramiko import common, sftp

USER, PASSWORD = "shop", "open-sesame-42"


class SftpServer:
    """Serves `folder` as `/outgoing`.

    Attributes:
        opened: how often each file was opened for reading, by name.
        on_read: called with the server and the name before each read of a file; may change the file or call
            `break_off`.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.opened: Counter[str] = Counter()
        self.on_read: Callable[[SftpServer, str], None] | None = None
        self._key = paramiko.ECDSAKey.generate()
        self._transports: list[paramiko.Transport] = []
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What PP_INBOX_URL would hold."""
        return f"sftp://127.0.0.1:{self.port}/outgoing"

    def break_off(self) -> None:
        """Cut every connection hard."""
        for one in self._sockets:
            one.close()
        for transport in self._transports:
            transport.stop_thread()

    def stop(self) -> None:
        """End the server: nothing listens on its port any more."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # or accept() goes on holding the port
        except OSError:
            return  # stopped before
        self._listener.close()
        self._thread.join()
        for transport in self._transports:
            transport.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self._key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Folder, self)
            self._sockets.append(connection)
            self._transports.append(transport)
            try:
                transport.start_server(server=_Login())
            except (paramiko.SSHException, EOFError):  # a client that does not like the host key
                transport.close()


class _Login(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        is_known = (username, password) == (USER, PASSWORD)
        return common.AUTH_SUCCESSFUL if is_known else common.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return common.OPEN_SUCCEEDED


class _Folder(paramiko.SFTPServerInterface):
    def __init__(self, server: paramiko.ServerInterface, owner: SftpServer, *rest: Any, **others: Any) -> None:
        super().__init__(server, *rest, **others)
        self._owner = owner

    def _path(self, path: str) -> Path:
        below = self.canonicalize(path).removeprefix("/outgoing")
        return self._owner.folder / below.removeprefix("/")

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        try:
            found = sorted(self._path(path).iterdir()) if path.startswith("/outgoing") else None
            if found is None:
                return sftp.SFTP_NO_SUCH_FILE
            return [paramiko.SFTPAttributes.from_stat(one.lstat(), one.name) for one in found]
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat(self._path(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> "_File | int":
        place = self._path(path)
        name = str(place.relative_to(self._owner.folder))
        try:
            stream = place.open("rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        self._owner.opened[name] += 1
        return _File(self._owner, name, stream, flags)


class _File(paramiko.SFTPHandle):
    def __init__(self, owner: SftpServer, name: str, stream: Any, flags: int = os.O_RDONLY) -> None:
        super().__init__(flags)
        self._owner, self._name, self.readfile = owner, name, stream

    def stat(self) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

    def read(self, offset: int, length: int) -> bytes | int:
        if self._owner.on_read:
            self._owner.on_read(self._owner, self._name)
        return super().read(offset, length)
