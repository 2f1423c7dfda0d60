"""Every file that cannot be read, beside forty-nine that can: none is lost, none stops others."""

import pytest
import yaml
from corpus import CORPUS, DEFAULTS
from homes import Muster
from small_programme import MAPPING, PROGRAMME

from pipeline.storage.home import Home

ORGANISATION = "simulated-force-01"
GOOD = 49


@pytest.fixture(scope="module")
def sentences(muster: Muster, refused: dict[str, tuple[bytes, str, str]]) -> dict[str, str]:
    """What is expected of each bad file, by its source, once all have arrived and a run is over."""
    home = Home(muster.home)
    sources = muster.home / "sources" / ORGANISATION
    landing = muster.home / "landing" / ORGANISATION
    sources.mkdir(parents=True)
    landing.mkdir(parents=True)
    (muster.home / "programme.yaml").write_text(PROGRAMME)
    (sources / "answers.yaml").write_text(MAPPING)
    home.create("")
    for number in range(GOOD):
        rows = [f"SIM{number:02}{n},Start,2025-01-0{n},1,2,0,3" for n in range(1, 6)]
        text = "\n".join(["Number,Wave,Done,Q1,Q2,Q3,Q4", *rows, ""])
        (landing / f"answers {number}.csv").write_text(text)
    expected = {}
    for number, (content, mapping, sentence) in enumerate(refused.values()):
        source = f"odd_{number:03}"
        said = yaml.safe_load(mapping)
        expected[source] = sentence.replace(f"source {said['source']}", f"source {source}")
        said |= {"organisation": ORGANISATION, "source": source, "files": f"{source}.csv"}
        (sources / f"{source}.yaml").write_text(yaml.safe_dump(said))
        (landing / f"{source}.csv").write_bytes(content)
    muster("run", "--as-of", "2025-09-01", expected=1)
    return expected


@pytest.fixture(scope="module")
def muster(tmp_path_factory: pytest.TempPathFactory) -> Muster:
    return Muster(tmp_path_factory.mktemp("bad") / "home")


@pytest.fixture(scope="module")
def refused() -> dict[str, tuple[bytes, str, str]]:
    """Refused files of the corpus that need no limits of their own: bytes, mapping, sentence."""
    return {
        name: (
            case.content.encode() if isinstance(case.content, str) else case.content,
            case.mapping,
            case.expected,
        )
        for name, case in CORPUS.items()
        if isinstance(case.expected, str) and case.limits == DEFAULTS
    }


def test_the_others_are_taken_in(muster: Muster, sentences: dict[str, str]):
    accepted = muster.ask(
        "SELECT count(*) AS files, sum(rows_accepted) AS rows FROM quality.submissions "
        "WHERE source = 'answers' AND verdict LIKE 'accepted%'"
    )
    assert accepted.rows() == [(GOOD, 5 * GOOD)]
    assert muster.ask("SELECT count(*) FROM core.responses").item() == 5 * GOOD


def test_every_bad_one_is_listed_with_its_sentence(muster: Muster, sentences: dict[str, str]):
    assert len(sentences) > 60
    listed = muster.ask(
        "SELECT source, verdict, reason, rows_read FROM quality.submissions "
        "WHERE source LIKE 'odd_%' ORDER BY source"
    )
    assert listed.select("source", "verdict").rows() == [(s, "held") for s in sorted(sentences)]
    assert listed["rows_read"].null_count() == listed.height
    for source, _, reason, _ in listed.rows():
        assert reason == sentences[source]


def test_and_by_muster_status(muster: Muster, sentences: dict[str, str]):
    shown = muster("status", expected=1).stdout
    for source, sentence in sentences.items():
        assert f"{ORGANISATION}--{source}--" in shown
        assert sentence in shown
