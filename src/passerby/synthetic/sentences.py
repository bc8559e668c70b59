"""A sentence about a person, made of attributes by a small grammar; it never guesses at gender."""

from passerby.synthetic.attributes import Attributes, Carried, Lower, NamedColour, Upper

_HAIR = {
    "short": "short {} hair", "crop": "cropped {} hair", "bob": "{} hair in a bob", "long": "long {} hair",
    "ponytail": "{} hair in a ponytail", "bun": "{} hair in a bun", "afro": "{} curly hair",
}  # fmt: skip
_PATTERNS = {
    "stripes": "{} striped", "pinstripes": "{} pinstriped", "checks": "{} checked", "dots": "{} dotted",
    "floral": "{} flowered", "block": "{} two-coloured", "band": "{} banded", "denim": "{} denim", "plain": "{}",
    "knit": "{} knitted", "reflective": "{} safety",
}  # fmt: skip
_BAGS = {"backpack": "backpack", "shoulder": "shoulder bag", "hand": "handbag", "carrier": "carrier bag"}
_BUILDS = {"slim": "slim person", "average": "person", "heavy": "heavily built person"}
_HATS = {"cap": "cap", "beanie": "beanie", "brim": "hat with a brim", "hood": "hood, worn up"}


def sentence(attributes: Attributes) -> str:
    """Describe a person in one sentence; the same attributes give the same sentence."""
    size = "" if attributes.stature == "medium" else f"{attributes.stature} "
    who = _article(f"{size}{_BUILDS[attributes.build]}").capitalize()
    worn = [_upper(attributes.upper)]
    if attributes.lower.kind != "none":
        worn.append(_lower(attributes.lower))
    if attributes.lower.legwear:
        worn.append(f"{attributes.lower.legwear.name} tights")
    worn.append(f"{attributes.shoes.colour.name} {attributes.shoes.kind}")
    if attributes.hat_colour:
        worn.append(_article(f"{attributes.hat_colour.name} {_HATS[attributes.hat]}"))
    if attributes.glasses:
        worn.append("glasses")
    with_them = [_bag(attributes.bag)] if attributes.bag else []
    if attributes.held:
        with_them.append(_article(f"{attributes.held.colour.name} {attributes.held.kind}"))
    carried = f", carrying {_listed(with_them)}" if with_them else ""
    return f"{who} with {_head(attributes)}, wearing {_listed(worn)}{carried}."


def _head(attributes: Attributes) -> str:
    skin = f"{attributes.skin_tone} skin"
    hair = _HAIR[attributes.hair].format(attributes.hair_colour.name) if attributes.hair_colour else "a bald head"
    return _listed([skin, hair, *(["a beard"] if attributes.beard else [])])


def _upper(upper: Upper) -> str:
    sleeves = {"none": "sleeveless ", "short": "short-sleeved ", "long": ""}[upper.sleeves]
    sleeves = "" if upper.kind == "t-shirt" and upper.sleeves == "short" else sleeves
    garment = f"{sleeves}{_cloth(upper.colour, upper.pattern, upper.second)} {upper.kind}"
    if upper.inner:
        return f"{_article('open ' + garment if upper.open else garment)} over {_article(upper.inner.name)} top"
    return _article(garment) + (" with a print" if upper.front_print or upper.back_print else "")


def _lower(lower: Lower) -> str:
    cloth = _cloth(lower.colour, lower.pattern or "plain", lower.second) if lower.colour else ""
    garment = f"{cloth} {lower.kind}"
    if lower.kind == "skirt":
        garment = _article(f"{lower.length} {garment}")
    return garment + (" with side stripes" if lower.side_stripe else "")


def _cloth(colour: NamedColour, pattern: str, second: NamedColour | None) -> str:
    two = second is not None and second.name != colour.name and pattern not in ("plain", "denim", "floral")
    name = f"{colour.name} and {second.name}" if two and second else colour.name
    if pattern == "denim" and colour.name == "denim":
        return "denim"
    return _PATTERNS[pattern].format(name)


def _bag(bag: Carried) -> str:
    return _article(f"{bag.colour.name} {_BAGS[bag.kind]}")


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
