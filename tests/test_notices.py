"""What notices.yaml may say, and what a mail says."""

import re
from pathlib import Path

import pytest

from pipeline.notices import MOST_NAMED, Held, mail, parse_notices
from pipeline.programme import UnusableConfiguration

NOTICES = """
host: smtp.force.example
from: muster@force.example
to: [stewards@force.example, second@force.example]
"""
HELD = Held(
    "kent--roster--0123456789ab", "roster ***.csv", "held", "the file has no column `Sims Simsson`"
)


def test_host_sender_and_recipients_are_enough() -> None:
    said = parse_notices(NOTICES)
    assert (said.port, said.tls, said.user) == (587, "starttls", None)
    assert said.to == ("stewards@force.example", "second@force.example")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "host, from and to are expected"),
        (NOTICES + "password: swordfish\n", "a password never stands in a file"),
        (NOTICES + "tls: none\n", "`none` is for a server on this machine"),
        (NOTICES + "tls: ssl\n", "tls"),
        (NOTICES + "pasword: swordfish\n", "notices.yaml line 5"),
        (NOTICES + "port: 70000\n", "port"),
        (NOTICES.replace("muster@force.example", "Muster"), "an address such as"),
        (
            NOTICES.replace("second@force.example", '"a@b.example, c@d.example"'),
            "an address such as",
        ),
        (NOTICES.replace("second@force.example", '"a@b.example\\nBcc: c"'), "an address such as"),
        (NOTICES.replace("[stewards@force.example, second@force.example]", "[]"), "to"),
        (NOTICES.replace("smtp.force.example", "'https://x.example/'"), "host"),
        ("host: [", "not valid YAML"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UnusableConfiguration) as refused:
        parse_notices(text)
    assert sentence in str(refused.value)
    assert "swordfish" not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_the_example_on_the_page_can_be_used() -> None:
    page = Path(__file__).parents[1] / "docs" / "stewards.md"
    (example,) = re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert parse_notices(example).user == "muster"


def test_a_server_on_this_machine_needs_no_encryption() -> None:
    assert parse_notices(NOTICES.replace("smtp.force.example", "localhost") + "tls: none\n")


def test_a_mail_names_submission_verdict_and_reason_and_no_heading() -> None:
    made = mail(parse_notices(NOTICES), [HELD], "Simulated evaluation")
    assert made["Subject"] == "Muster: 1 file waits for a steward"
    assert made["To"] == "stewards@force.example, second@force.example"
    text = made.get_content()
    assert "- held: kent--roster--0123456789ab (roster ***.csv): the file has no column (" in text
    assert "Sims" not in str(made)


def test_commands_in_a_reason_stay() -> None:
    said = Held("a--b--c", "x.csv", "held", "not judged yet; run `muster run` again").sentence
    assert said.endswith("run `muster run` again.")


def test_of_very_many_the_first_are_named_and_the_rest_counted() -> None:
    made = mail(parse_notices(NOTICES), [HELD] * (MOST_NAMED + 7), "Simulated evaluation")
    text = made.get_content()
    assert made["Subject"] == "Muster: 57 files wait for a steward"
    assert text.count("kent--roster") == MOST_NAMED
    assert "- and 7 more" in text
