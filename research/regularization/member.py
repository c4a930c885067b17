"""`member`: a builder function as an entry of the catalogue; its name and docstring are the
entry's."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from research.errors import UserError, nearest
from research.options import options_of
from research.registry import REGULARIZERS, SITES, Regularizer
from research.words import first_sentence

Builder = TypeVar("Builder", bound=Callable[..., Any])


def member(
    slot: str,
    site: str,
    *,
    paper: str,
    neutral: Mapping[str, Any] | None,
    test_options: Mapping[str, Any] | None = None,
    constraints: tuple[Callable[..., str | None], ...] = (),
    mixes_examples: bool = False,
    has_bias: bool = True,
    moves: bool = False,
    mask: Callable[..., Any] | None = None,
    version: int = 1,
) -> Callable[[Builder], Builder]:
    """Registers the decorated builder; its name and docstring become the entry's.

    Args:
        slot: the slot, a key of SITES.
        site: the site, one of the slot's.
        paper: the source.
        neutral: the options at which it returns its input bitwise; None: there are none.
        test_options: the small setting that tests use.
        constraints: functions of (name, config, spec) that return what is wrong, or None.
        mixes_examples: it mixes the examples of the global batch (slot targets).
        has_bias: a normalization ends with a learned bias.
        moves: it moves pixels by position alone, so that it applies to masks as it is.
        mask: the builder of the same change for masks, where it differs.
        version: raised when its mathematics changes.

    Raises:
        UserError: if there is no such slot, or no such site in it.
    """
    if slot not in SITES:
        raise UserError(f"there is no slot '{slot}'; {nearest(slot, SITES)}")
    if site not in SITES[slot]:
        raise UserError(f"the slot {slot} has no site '{site}'; {nearest(site, SITES[slot])}")

    def add(build: Builder) -> Builder:
        name = build.__name__
        summary = first_sentence(build.__doc__ or "")
        REGULARIZERS.add(
            Regularizer(
                name=name,
                build=build,
                summary=summary,
                paper=paper,
                version=version,
                options=options_of(build),
                # Constraints of other entries take (config, spec); a member's constraints need its
                # name too.
                constraints=tuple(
                    functools.partial(constraint, name) for constraint in constraints
                ),
                test_options=test_options or {},
                slot=slot,
                site=site,
                neutral=neutral,
                mixes_examples=mixes_examples,
                has_bias=has_bias,
                mask=build if moves else mask,
            )
        )
        return build

    return add
