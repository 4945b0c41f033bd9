"""The remote inbox that PP_INBOX_URL names: connecting, listing, and saying in plain words what went wrong.

SFTP, S3 and Google Cloud Storage through fsspec, which finds credentials in the environment by itself. The words
told here never hold them: an exception's own text may, so it is not passed on.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pp_pipeline.settings import Settings

_EXTRAS = {"sftp": "sftp", "ssh": "sftp", "s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
_ANSWER_SECONDS = 60.0
_SFTP = {"timeout": 20.0, "banner_timeout": 20.0, "auth_timeout": 20.0}
# The first that a listing states. Times come last: some servers write them finer in a listing than for one file.
_VERSION_FIELDS = ("ETag", "etag", "generation", "mtime", "LastModified", "updated", "created")

# What names of exceptions mean, the first that fits: the libraries that raise them are imported by fsspec alone.
_FAULTS = (
    ({"OtherHostKey"}, "it shows another host key than at first; if that is meant, remove its line from {known_hosts}"),
    (
        {"AuthenticationException", "PasswordRequiredException", "NoCredentialsError", "RefreshError", "CREDENTIALS",
         "PermissionError", "DefaultCredentialsError"},
        "it does not let us in; check the user and the password or key",
    ),
    ({"FileNotFoundError", "NotADirectoryError"}, "there is no such folder"),
    ({"gaierror"}, "there is no host of that name"),
    (
        {"ConnectionRefusedError", "NoValidConnectionsError", "EndpointConnectionError", "ClientConnectorError"},
        "nothing answers there",
    ),
    ({"TimeoutError", "ConnectTimeoutError", "ReadTimeoutError"}, "it did not answer in time"),
    ({"ConnectionResetError", "EOFError", "SSHException", "BrokenPipeError"}, "the connection broke off"),
)  # fmt: skip


class FetchError(RuntimeError):
    """Files can't be fetched; the text names the address without credentials, and what to check."""


@dataclass(frozen=True)
class RemoteFile:
    """A file as the listing states it; `name` is its path in the inbox, `version` its time and etag."""

    name: str
    path: str
    size: int
    version: str


@dataclass
class Listing:
    """What is in the remote inbox: files, and names that may not be fetched, each with why."""

    files: list[RemoteFile] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Remote:
    """An open connection to the remote inbox."""

    files: Any
    root: str

    def listing(self, was_there: bool = False) -> Listing:
        """Everything in it and its folders, by name. Half-written (`.part`) and hidden files are left alone.

        A folder that can't be listed is an error: what is in it must not pass for vanished.

        Args:
            was_there: the folder was listed before. In a bucket, where a folder is its files, it may be empty then.
        """
        found = Listing()
        try:
            self._list(self.root, found)
        except FileNotFoundError:
            if not was_there or hasattr(self.files, "ftp"):
                raise
            self.files.ls(self.root.split("/")[0])  # the bucket itself: an error when that is gone, too
            return Listing()
        found.files.sort(key=lambda file: file.name)
        return found

    def look(self, file: RemoteFile) -> RemoteFile:
        """The file as it is now. Raises FileNotFoundError when it is gone."""
        self.files.invalidate_cache()
        return _as_file(file.name, self.files.info(file.path))

    def download(self, file: RemoteFile, to: Path) -> None:
        """Write its content to a local path."""
        self.files.get_file(file.path, str(to))

    def _list(self, folder: str, found: Listing) -> None:
        for entry in self.files.ls(folder, detail=True):
            path = entry["name"].rstrip("/")
            if path == folder.rstrip("/"):  # S3 lists the folder itself where somebody has made one
                continue
            name = path[len(self.root.rstrip("/")) :].removeprefix("/")
            last = name.rsplit("/", 1)[-1]
            fault = "" if path.startswith(self.root) else "lies outside of the folder"
            fault = fault or _fault_of(name)
            if fault:
                found.refused.append((_readable(name), f"{_readable(name)}: {fault}; rename it there"))
            elif last.startswith(".") or last.endswith(".part"):
                continue
            elif entry["type"] == "directory":
                self._list(path, found)
            elif entry["type"] != "link":
                found.files.append(_as_file(name, entry))
            elif (target := self._target(path))["type"] == "file":  # one to a folder may lead in a circle
                found.files.append(_as_file(name, target | {"name": path}))

    def _target(self, link: str) -> dict[str, Any]:
        try:
            return self.files.info(link)
        except FileNotFoundError:
            return {"type": "nothing"}


@contextmanager
def open_remote(settings: Settings) -> Iterator[Remote]:
    """Connect to the remote inbox; whatever goes wrong while it is open becomes a `FetchError`.

    Raises:
        FetchError: it can't be reached, broke off, or needs a package that is not installed.
    """
    from fsspec.core import url_to_fs

    url, shown = settings.inbox_url, shown_url(settings.inbox_url)
    scheme = urlsplit(url).scheme
    options: dict[str, Any] = {"skip_instance_cache": True}
    remote = None
    try:
        if _EXTRAS.get(scheme) == "sftp":
            logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # it logs what is told here, with tracebacks
            options |= {**_SFTP, "host_key_policy": _host_key_policy(settings.home / "known_hosts")}
        files, root = url_to_fs(url, **options)
        remote = Remote(files, str(root) or "/")
        if hasattr(files, "ftp"):
            files.ftp.get_channel().settimeout(_ANSWER_SECONDS)
        yield remote
    except ImportError as error:
        if scheme not in _EXTRAS:
            raise FetchError(f"{shown} needs a package that is missing ({error.name})") from None
        raise FetchError(
            f"{shown} needs the extra: pip install 'pp_pipeline[{_EXTRAS[scheme]}]' (PP_INBOX_URL)"
        ) from None
    except FetchError:
        raise
    except Exception as error:
        words = _words(error).format(known_hosts=settings.home / "known_hosts")
        raise FetchError(
            f"{shown} can't be reached: {words}; check PP_INBOX_URL and {_credentials_of(scheme)}. "
            "Nothing that was fetched before is lost"
        ) from None
    finally:
        if remote is not None and hasattr(remote.files, "client"):
            remote.files.client.close()


def shown_url(url: str) -> str:
    """An address without user, password and query: what may be shown."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _as_file(name: str, info: dict[str, Any]) -> RemoteFile:
    version = next((str(info[field]) for field in _VERSION_FIELDS if info.get(field) is not None), "")
    return RemoteFile(name, info["name"], int(info["size"] or 0), version)


def _fault_of(name: str) -> str:
    """Why a name can't be one in the inbox, or nothing."""
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "would leave the inbox"
    if "\\" in name or not name.isprintable():
        return "holds characters that a file name here can't have"
    if any(len(part.encode()) > 200 for part in name.split("/")):
        return "is too long"
    return ""


def _readable(name: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def _words(error: Exception) -> str:
    """What an exception means, by its class and those that it is made of; its text may hold a secret."""
    names = {one.__name__ for one in type(error).__mro__}
    code = str(getattr(error, "response", None) and error.response.get("Error", {}).get("Code"))  # type: ignore[attr-defined]
    if code in ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"):
        names.add("CREDENTIALS")
    found = (words for known, words in _FAULTS if known & names)
    return next(found, f"{type(error).__name__}")


def _credentials_of(scheme: str) -> str:
    match _EXTRAS.get(scheme):
        case "sftp":
            return "FSSPEC_SFTP_USERNAME and FSSPEC_SFTP_PASSWORD (or FSSPEC_SFTP_KEY_FILENAME)"
        case "s3":
            return "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        case "gcs":
            return "GOOGLE_APPLICATION_CREDENTIALS"
    return "whether it is there"


def _host_key_policy(known_hosts: Path) -> Any:
    """Trust the key that a host shows first, and none but that later: else the password could go to anybody."""
    import paramiko

    class OtherHostKey(paramiko.SSHException):
        """A host shows another key than at first."""

    class FirstKeyStays(paramiko.MissingHostKeyPolicy):
        def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
            keys = paramiko.HostKeys(str(known_hosts) if known_hosts.exists() else None)
            if keys.lookup(hostname) is None:
                keys.add(hostname, key.get_name(), key)
                keys.save(str(known_hosts))
            elif not keys.check(hostname, key):
                raise OtherHostKey

    return FirstKeyStays()
