"""Says of each line {"document": …, "condition": …} whether mongomock finds the document: true, false, or why it fails."""

import json
import numbers
import sys
from functools import total_ordering

from mongomock.filtering import filter_applies


@total_ordering
class Number:
    """A number that, unlike Python's own, equals no boolean."""

    def __init__(self, text):
        self.value = float(text)

    def __eq__(self, other):
        other = getattr(other, "value", other)
        return not isinstance(other, bool) and self.value == other

    def __lt__(self, other):
        return self.value < getattr(other, "value", other)

    __hash__ = None


numbers.Number.register(Number)


def answer(line):
    question = json.loads(line, parse_int=Number, parse_float=Number)
    try:
        return bool(filter_applies(question["condition"], question["document"]))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


for line in sys.stdin:
    print(json.dumps(answer(line)))
