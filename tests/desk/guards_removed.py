"""Takes away each guard of the desk in turn, and says of which the tests do not notice.

    python tests/desk/guards_removed.py [NAME ...]

Minutes, so it is no part of the tests: run it after a guard was added or changed, and name the new
one here. Each line is a file, what it says, and what it says without the guard.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_APP, _SECURITY = "pipeline/desk/app.py", "pipeline/desk/security.py"
_SESSIONS, _ATTEMPTS = "pipeline/desk/sessions.py", "pipeline/desk/attempts.py"

GUARDS: Final = {
    "names under which the desk is called": (
        _SECURITY,
        'if _name_of(headers.get("host", "")) not in self.hosts:',
        "if False:",
    ),
    "methods": (_SECURITY, "if method not in _METHODS:", "if False:"),
    "bodies whose length is not said": (
        _SECURITY,
        'if "transfer-encoding" in headers or (length is None and method == "POST"):',
        "if False:",
    ),
    "lengths that are no number": (
        _SECURITY,
        "if length is not None and not (length.isascii() and length.isdigit()):",
        "if False:",
    ),
    "large bodies": (_SECURITY, "if int(length or 0) > LARGEST_BODY:", "if False:"),
    "bodies that are no form": (
        _SECURITY,
        'if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:',
        "if False:",
    ),
    "forms of other sites": (
        _SECURITY,
        'if headers.get("sec-fetch-site", "same-origin") not in _OWN_PAGES:',
        "if False:",
    ),
    "headers": (_SECURITY, "for name, value in HEADERS.items():", "for name, value in ():"),
    "content policy": (_SECURITY, "default-src 'none'; style-src", "style-src"),
    "nothing is cached": (_SECURITY, '"Cache-Control": "no-store",', ""),
    "no frame": (_SECURITY, "frame-ancestors 'none'", "frame-ancestors *"),
    "who is not signed in": (
        _APP,
        "        if known is None:\n            return _ask_to_sign_in(house, request)\n"
        "        session, account = known\n        visit",
        '        if known is None:\n            known = house.sessions.of("", "", 0), '
        "[*house.desk.accounts.values()][0]\n        session, account = known\n        visit",
    ),
    "roles": (_APP, "if not visit.may(place.role):", "if False:"),
    "tokens of forms": (
        _APP,
        'if request.method == "POST" and not is_token(session, visit.said("token")):',
        "if False:",
    ),
    "token of signing in": (
        _APP,
        "if not visitor or not house.is_form_token(token, visitor):",
        "if False:",
    ),
    "token of signing out": (
        _APP,
        'if known is not None and not is_token(known[0], _last(form, "token")):',
        "if False:",
    ),
    "token of a new password": (
        _APP,
        '    if not is_token(session, _last(form, "token")):\n        return _forged(house)\n'
        "    address",
        "    address",
    ),
    "attempts to sign in": (
        _APP,
        "if not house.attempts.begin(key(name), address, house.settings.clock()):",
        "if False:",
    ),
    "attempts at the old password": (
        _APP,
        "if not house.attempts.begin(key(account.name), address, house.settings.clock()):",
        "if False:",
    ),
    "passwords": (_APP, "if account is None or not right:", "if account is None:"),
    "accounts that were closed or changed": (
        _APP,
        "if account is None or account.last_change != session.last_change:",
        "if account is None:",
    ),
    "the session before": (
        _APP,
        "    house.attempts.succeeded(key(name), address)\n"
        "    house.sessions.end(request.cookies.get(COOKIE))\n",
        "    house.attempts.succeeded(key(name), address)\n",
    ),
    "addresses to go to afterwards": (_APP, "if is_local and path.isprintable()", "if True"),
    "cookies that scripts read": (_APP, "httponly=True", "httponly=False"),
    "cookies that other sites send": (_APP, 'samesite="strict"', 'samesite="none"'),
    "cookies without TLS": (
        _APP,
        "secure=house.settings.public_name is not None",
        "secure=False",
    ),
    "what an exception quotes": (
        _APP,
        "    except Exception as defect:  # noqa: BLE001 - see above\n"
        '        sentence = f"The desk failed, which is a defect of its own: {place_of(defect)}."',
        "    except Exception as defect:  # noqa: BLE001 - see above\n"
        "        sentence = str(defect)",
    ),
    "files by name": (
        _APP,
        "        if name not in known:\n            return _nowhere(house, request, {})\n",
        "        known.setdefault(name, b'')\n",
    ),
    "sessions of another browser": (
        _SESSIONS,
        "if not _is_alive(session, now) or session.browser != _digest(browser):",
        "if not _is_alive(session, now):",
    ),
    "sessions that nobody uses": (_SESSIONS, "now - session.seen < IDLE_SECONDS and ", ""),
    "sessions of a whole day": (_SESSIONS, " and now - session.begun < LONGEST_SECONDS", ""),
    "cookies are kept as digests": (
        _SESSIONS,
        'return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()',
        "return text",
    ),
    "attempts by account": (_ATTEMPTS, "PER_ACCOUNT: Final = 5", "PER_ACCOUNT: Final = 50_000"),
    "attempts by address": (_ATTEMPTS, "PER_ADDRESS: Final = 30", "PER_ADDRESS: Final = 50_000"),
    "attempts at once": (
        _ATTEMPTS,
        "            for whose in limits:\n"
        "                self._by.setdefault(whose, []).append(now)\n            return True",
        "            return True",
    ),
    "names without end": (_ATTEMPTS, "if len(self._by) >= _MOST_KEPT:", "if False:"),
    "stale pages": (
        "pipeline/desk/versions.py",
        "    if _state_of(submission) != shown.state:",
        "    if False:",
    ),
    "two who decide at once": (
        "pipeline/desk/versions.py",
        "and d.decision > shown.decision",
        "and False",
    ),
    "HTML in what people wrote": (
        "pipeline/desk/rendering.py",
        "autoescape=True",
        "autoescape=False",
    ),
    "this machine alone": ("pipeline/desk/serving.py", 'HOST = "127.0.0.1"', 'HOST = "0.0.0.0"'),
    "addresses in logs": (
        "pipeline/desk/serving.py",
        '            log_config=None,\n            log_level="critical",\n'
        "            access_log=False,\n",
        "",
    ),
    "who says they are somebody else": (
        "pipeline/desk/serving.py",
        "proxy_headers=proxied",
        "proxy_headers=True",
    ),
}


def main() -> int:
    unnoticed = []
    chosen = {name: GUARDS[name] for name in sys.argv[1:] or GUARDS}
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "muster"
        leave = shutil.ignore_patterns(".*", "muster-home", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=leave)
        for name, (file, guard, without) in chosen.items():
            path = copy / file
            before = path.read_text("utf-8")
            if before.count(guard) != 1:
                print(f"{name}: {file} does not say so once any more", file=sys.stderr)
                return 2
            path.write_text(before.replace(guard, without), "utf-8")
            command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
            done = subprocess.run(
                [*command, "tests/desk"],
                cwd=copy,
                # For processes that tests start: they would have the guard otherwise.
                env={**os.environ, "PYTHONPATH": str(copy)},
                capture_output=True,
                check=False,
            )
            path.write_text(before, "utf-8")
            print(f"{'noticed' if done.returncode == 1 else 'UNNOTICED':<9}  {name}", flush=True)
            if done.returncode != 1:
                unnoticed.append(name)
    print(f"{len(chosen) - len(unnoticed)} of {len(chosen)} noticed")
    return len(unnoticed) > 0


if __name__ == "__main__":
    sys.exit(main())
