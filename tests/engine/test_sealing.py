"""Sealed secrets: readable with the right key only, and through a change of keys."""

import pytest

from perdure_engine.errors import InvalidSecretKey, NoSecretKey, UnknownSecretKey
from perdure_engine.sealing import SecretBox, new_secret_key

OLD, NEW, OTHER = new_secret_key(), new_secret_key(), new_secret_key()
TOKEN = "xoxb-geheim-ключ"


def test_what_is_sealed_can_be_opened_and_shows_nothing() -> None:
    box = SecretBox([NEW])
    sealed = box.seal(TOKEN)
    assert box.open(sealed) == TOKEN
    assert "geheim" not in sealed
    assert sealed != box.seal(TOKEN)


def test_keys_can_be_changed_without_losing_what_the_old_one_sealed() -> None:
    before = SecretBox.from_setting(OLD)
    during = SecretBox.from_setting(f"{NEW}, {OLD}")
    after = SecretBox.from_setting(NEW)
    assert during.open(before.seal(TOKEN)) == TOKEN
    assert after.open(during.seal(TOKEN)) == TOKEN  # the first key seals


@pytest.mark.parametrize("sealed", [SecretBox([OTHER]).seal(TOKEN), "no seal", "é", ""], ids=range(4))
def test_a_secret_of_another_key_is_refused_with_the_way_out(sealed: str) -> None:
    with pytest.raises(UnknownSecretKey, match="PERDURE_SECRET_KEYS lacks: add the older key"):
        SecretBox([NEW, OLD]).open(sealed)


def test_a_damaged_secret_is_refused() -> None:
    box = SecretBox([NEW])
    sealed = box.seal(TOKEN)
    with pytest.raises(UnknownSecretKey):
        box.open(sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:])


@pytest.mark.parametrize(
    "wrong",
    ["my-secret", NEW[:-4], NEW + NEW, f"{NEW} {OLD}", "ключ", ""],
    ids=["words", "short", "two in one", "no comma", "not ASCII", "nothing"],
)
def test_a_malformed_key_is_named_by_its_place_and_not_shown(wrong: str) -> None:
    with pytest.raises(InvalidSecretKey) as caught:
        SecretBox.from_setting(f"{OLD},{wrong}")
    assert "PERDURE_SECRET_KEYS: key 2 is not 32 bytes" in str(caught.value)
    assert "`perdure secret-key` prints a new one" in str(caught.value)
    assert not wrong or wrong not in str(caught.value)


@pytest.mark.parametrize("setting", [None, "", " "])
def test_without_keys_only_the_use_fails_and_says_how_to_make_one(setting: str | None) -> None:
    box = SecretBox.from_setting(setting)
    for use in (box.seal, box.open):
        with pytest.raises(
            NoSecretKey, match=r"PERDURE_SECRET_KEYS is not set\. `perdure secret-key` prints"
        ):
            use(TOKEN)
