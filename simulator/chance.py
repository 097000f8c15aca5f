"""Numbers that look random and are not: the same question always gets the same answer."""

from __future__ import annotations

from zlib import crc32

_MASK = (1 << 64) - 1


def mix(*parts: int) -> int:
    """Scramble integers into one 64-bit number (splitmix64 steps)."""
    state = 0x9E3779B97F4A7C15
    for part in parts:
        state = (state ^ (part & _MASK)) * 0xBF58476D1CE4E5B9 & _MASK
        state ^= state >> 27
        state = state * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


def roll(seed: int, subject: int, question: str, sides: int) -> int:
    """Answer a question about a subject with a number from 0 to sides - 1."""
    return mix(seed, subject, crc32(question.encode())) % sides


class Dice:
    """A stream of deterministic choices for one subject, far cheaper to create than random.Random."""

    __slots__ = ("_state",)

    def __init__(self, *parts: int) -> None:
        self._state = mix(*parts)

    def below(self, sides: int) -> int:
        """Return the next number from 0 to sides - 1."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & _MASK
        return (self._state >> 33) % sides

    def pick(self, options: tuple[str, ...]) -> str:
        """Return one of the options."""
        return options[self.below(len(options))]

    def chance(self, one_in: int) -> bool:
        """Say yes once in so many times."""
        return self.below(one_in) == 0


class Shuffle:
    """A reversible reordering of 0 … size - 1 that needs no table."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self._factor = _coprime(int(size * 0.6180339887), size)
        self._inverse = pow(self._factor, -1, size)
        self._shift = mix(seed, size) % size

    def forth(self, number: int) -> int:
        """Return where the number goes."""
        return (number * self._factor + self._shift) % self.size

    def back(self, number: int) -> int:
        """Return the number that goes there."""
        return (number - self._shift) * self._inverse % self.size


def _coprime(start: int, size: int) -> int:
    candidate = max(start, 1)
    while True:
        try:
            pow(candidate, -1, size)
        except ValueError:
            candidate += 1
        else:
            return candidate
