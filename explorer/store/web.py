"""Asking a web server, with its refusals as sentences; only what the standard library has."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from explorer.store.errors import DownloadError

#: Answers that may be another one in a moment.
PASSING = {408, 425, 429, 500, 502, 503, 504}


class PassingError(DownloadError):
    """The connection failed in a way that may be over when it is tried again."""


class RangeRefusedError(DownloadError):
    """The server has nothing at the place from where a file should go on."""


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows the hub to its file servers, but never from https to something else."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        allowed = ("https",) if req.type == "https" else ("https", "http")
        if urllib.parse.urlsplit(newurl).scheme not in allowed:
            raise DownloadError(f"{req.host} sends to {newurl}, which is not safe to follow")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def opened(url: str, timeout: float, start: int = 0) -> Iterator[Any]:
    """The server's answer (`http.client.HTTPResponse`), from byte `start` on where it can.

    Raises:
        PassingError: trying again may help.
        RangeRefusedError: there is nothing from `start` on.
        DownloadError: for all other refusals.
    """
    headers = {"User-Agent": "photowalk", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    opener = urllib.request.build_opener(_SafeRedirects())
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=timeout) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        error.close()
        raise _refusal(url, error.code) from error
    except urllib.error.URLError as error:
        raise PassingError(f"{_host(url)} cannot be reached ({error.reason})") from error
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        raise PassingError(f"the connection to {_host(url)} broke ({reason})") from error


def _refusal(url: str, code: int) -> DownloadError:
    if code in PASSING:
        return PassingError(f"{_host(url)} is busy (it answered {code})")
    if code == 416:
        return RangeRefusedError(f"{url} is shorter than what is here")
    if code in (401, 403):
        return DownloadError(
            f"{url} is only for accounts that accepted its terms (it answered {code}); fetch it "
            "in a browser and name its folder instead"
        )
    if code in (404, 410):
        return DownloadError(f"{url} does not exist (it answered {code})")
    return DownloadError(f"{url} was refused (it answered {code})")


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc
