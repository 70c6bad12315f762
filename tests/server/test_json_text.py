import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perdure_server.json_text import (
    MalformedJson,
    decode_json,
    encode_json,
    escape_surrogates,
    join_array,
    join_object,
    split_array,
    split_object,
    storable,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


def test_members_keep_their_text():
    document = decode_json(b' { "a" : 1.0 ,"b":[ 1,2 ], "c" : "\\u0000\\ud800" , "d":{"x" : 1e400}} ')
    members = split_object(document)
    assert {name: member.text for name, member in members.items()} == {
        "a": "1.0",
        "b": "[ 1,2 ]",
        "c": '"\\u0000\\ud800"',
        "d": '{"x" : 1e400}',
    }
    assert members["b"].value == [1, 2]


def test_elements_keep_their_text():
    document = decode_json('[ {"a":1}, [] ,"]",1.50 ]')
    assert [element.text for element in split_array(document)] == ['{"a":1}', "[]", '"]"', "1.50"]
    assert split_array(decode_json("[ ]")) == []


def test_the_last_of_two_members_with_one_name_counts():
    assert split_object(decode_json('{"a":1,"a":2}'))["a"].text == "2"


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # machines are busy
@given(st.dictionaries(st.text(max_size=5), json_values, max_size=5), st.sampled_from([None, 1, "\t"]))
def test_an_object_taken_apart_and_joined_is_the_same(value, indent):
    document = decode_json(json.dumps(value, indent=indent, ensure_ascii=bool(indent)))
    joined = join_object({name: member.text for name, member in split_object(document).items()})
    assert decode_json(joined).value == value


@given(st.lists(json_values, max_size=5), st.sampled_from([None, 1]))
def test_an_array_taken_apart_and_joined_is_the_same(value, indent):
    document = decode_json(json.dumps(value, indent=indent))
    assert decode_json(join_array(element.text for element in split_array(document))).value == value


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b'{"a":\n  nope}', "line 2 column 3"),
        (b'{"a":1} x', "line 1 column 9: nothing may follow"),
        (b'{"a":1', "line 1 column 7"),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b'{"a":-Infinity}', "-Infinity is not JSON"),
        (b'{"a":"\xff"}', "line 1 column 7: the text must be UTF-8"),
        (b'\xef\xbb\xbf{"a":1}', "line 1 column 1"),
        (b'{"a":"\x00"}', "line 1 column 7"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5000, "4300 digits"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(raw, problem):
    with pytest.raises(MalformedJson, match=problem):
        decode_json(raw)


def test_surrogates_written_out_become_escapes_that_are_utf8():
    text = escape_surrogates(json.loads('"[\\"\\ud800\\"]"'))
    assert text.encode() == b'["\\ud800"]'
    assert json.loads(text) == ["\ud800"]


def test_encoded_json_is_ascii():
    assert encode_json({"a": "ü\ud800"}) == '{"a":"\\u00fc\\ud800"}'


def test_unstorable_characters_are_replaced_everywhere():
    document = decode_json('{"\\u0000": ["a\\ud800b", "\\ud83d\\ude00", 1, null]}')
    assert storable(document) == {"\ufffd": ["a\ufffdb", "\U0001f600", 1, None]}
