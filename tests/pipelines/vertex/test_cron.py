import pytest

from aocr_core.errors import UsageError
from pipelines.vertex import cron


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("0 3 * * 1", "0 3 * * 1"),
        ("  0   3 * *  1 ", "0 3 * * 1"),
        ("*/15 0-6,22 1,15 jan-jun/2 MON-FRI", "*/15 0-6,22 1,15 jan-jun/2 MON-FRI"),
        ("59 23 31 12 7", "59 23 31 12 7"),
        ("TZ=Europe/Berlin 0 3 * * *", "TZ=Europe/Berlin 0 3 * * *"),
        ("CRON_TZ=UTC 0 3 * * *", "TZ=UTC 0 3 * * *"),
    ],
)
def test_an_expression_is_sent_as_it_is_meant(text: str, sent: str):
    assert cron.checked(text) == sent


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "five fields"),
        ("0 3 * *", "five fields"),
        ("0 0 3 * * *", "five fields"),
        ("@daily", "five fields"),
        ("60 3 * * *", "60 is no minute"),
        ("0 24 * * *", "24 is no hour"),
        ("0 3 0 * *", "0 is no day of the month"),
        ("0 3 * 13 *", "13 is no month"),
        ("0 3 * * 8", "8 is no day of the week"),
        ("5-1 3 * * *", "5-1 is no minute"),
        ("1-2-3 3 * * *", "1-2-3 is no minute"),
        ("*/0 3 * * *", r"\*/0 is no minute"),
        ("1, 3 * * *", "1, is no minute"),
        ("- 3 * * *", "- is no minute"),
        ("mon 3 * * *", "mon is no minute"),
        ("² 3 * * *", "² is no minute"),
        ("TZ=Europe/Bonn 0 3 * * *", "no time zone Europe/Bonn"),
    ],
)
def test_what_is_no_expression_is_refused(text: str, message: str):
    with pytest.raises(UsageError, match=message):
        cron.checked(text)
