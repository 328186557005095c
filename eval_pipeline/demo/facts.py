"""What the demo's online pharmacy holds to be true: a small closed world, not medical advice.

Everything that the assistant may be asked is decided here, so whether an answer is right can be
computed from its text alone.
"""

from dataclasses import dataclass
from typing import Final, Literal

from eval_pipeline.fingerprint import seed_for

Food = Literal["food", "empty", "either"]
Stance = Literal["none", "caution", "avoid"]


@dataclass(frozen=True)
class Medicine:
    """`daily_maximum_mg` is the most within 24 hours; `controlled` implies a prescription."""

    name: str
    daily_maximum_mg: int
    food: Food
    prescription_only: bool = True
    controlled: bool = False


_MEDICINES: Final = (
    Medicine("ibuprofen", 1200, "food", prescription_only=False),
    Medicine("paracetamol", 4000, "either", prescription_only=False),
    Medicine("aspirin", 3600, "food", prescription_only=False),
    Medicine("naproxen", 1000, "food"),
    Medicine("diclofenac", 150, "food"),
    Medicine("warfarin", 10, "either"),
    Medicine("simvastatin", 40, "either"),
    Medicine("atorvastatin", 80, "either"),
    Medicine("metformin", 3000, "food"),
    Medicine("amlodipine", 10, "either"),
    Medicine("lisinopril", 80, "either"),
    Medicine("ramipril", 10, "either"),
    Medicine("omeprazole", 40, "empty", prescription_only=False),
    Medicine("pantoprazole", 80, "empty", prescription_only=False),
    Medicine("cetirizine", 10, "either", prescription_only=False),
    Medicine("loratadine", 20, "either", prescription_only=False),
    Medicine("loperamide", 16, "either", prescription_only=False),
    Medicine("sertraline", 200, "either"),
    Medicine("fluoxetine", 60, "either"),
    Medicine("citalopram", 40, "either"),
    Medicine("tramadol", 400, "either", controlled=True),
    Medicine("codeine", 240, "food", controlled=True),
    Medicine("clarithromycin", 1000, "either"),
    Medicine("amoxicillin", 3000, "either"),
    Medicine("doxycycline", 200, "food"),
    Medicine("prednisolone", 60, "food"),
    Medicine("spironolactone", 400, "food"),
    Medicine("furosemide", 160, "empty"),
)
MEDICINES: Final = {medicine.name: medicine for medicine in _MEDICINES}

BLEEDING: Final = "the risk of bleeding rises"
MUSCLE: Final = "muscle damage becomes more likely"
SEROTONIN: Final = "too much serotonin can build up"
POTASSIUM: Final = "potassium can climb too high"
KIDNEYS: Final = "it strains the kidneys"
DROWSY: Final = "it makes you dangerously drowsy"
EFFECTS: Final = (BLEEDING, MUSCLE, SEROTONIN, POTASSIUM, KIDNEYS, DROWSY)

_INTERACTIONS: Final[tuple[tuple[str, str, Stance, str], ...]] = (
    ("ibuprofen", "warfarin", "avoid", BLEEDING),
    ("aspirin", "warfarin", "avoid", BLEEDING),
    ("naproxen", "warfarin", "avoid", BLEEDING),
    ("diclofenac", "warfarin", "avoid", BLEEDING),
    ("clarithromycin", "warfarin", "caution", BLEEDING),
    ("fluoxetine", "warfarin", "caution", BLEEDING),
    ("sertraline", "warfarin", "caution", BLEEDING),
    ("ibuprofen", "aspirin", "caution", BLEEDING),
    ("ibuprofen", "naproxen", "avoid", BLEEDING),
    ("ibuprofen", "diclofenac", "avoid", BLEEDING),
    ("aspirin", "naproxen", "caution", BLEEDING),
    ("naproxen", "diclofenac", "avoid", BLEEDING),
    ("ibuprofen", "prednisolone", "caution", BLEEDING),
    ("naproxen", "prednisolone", "caution", BLEEDING),
    ("ibuprofen", "sertraline", "caution", BLEEDING),
    ("naproxen", "citalopram", "caution", BLEEDING),
    ("simvastatin", "clarithromycin", "avoid", MUSCLE),
    ("atorvastatin", "clarithromycin", "avoid", MUSCLE),
    ("simvastatin", "amlodipine", "caution", MUSCLE),
    ("sertraline", "tramadol", "avoid", SEROTONIN),
    ("fluoxetine", "tramadol", "avoid", SEROTONIN),
    ("citalopram", "tramadol", "avoid", SEROTONIN),
    ("sertraline", "fluoxetine", "avoid", SEROTONIN),
    ("fluoxetine", "citalopram", "avoid", SEROTONIN),
    ("lisinopril", "spironolactone", "caution", POTASSIUM),
    ("ramipril", "spironolactone", "caution", POTASSIUM),
    ("ibuprofen", "lisinopril", "caution", KIDNEYS),
    ("naproxen", "ramipril", "caution", KIDNEYS),
    ("diclofenac", "furosemide", "caution", KIDNEYS),
    ("ibuprofen", "furosemide", "caution", KIDNEYS),
    ("lisinopril", "ramipril", "avoid", KIDNEYS),
    ("tramadol", "codeine", "avoid", DROWSY),
    ("codeine", "cetirizine", "caution", DROWSY),
    ("tramadol", "cetirizine", "caution", DROWSY),
)
INTERACTIONS: Final = {
    frozenset((one, other)): (stance, effect) for one, other, stance, effect in _INTERACTIONS
}
INTERACTING_PAIRS: Final = tuple((one, other) for one, other, _, _ in _INTERACTIONS)

REFUND_WINDOWS: Final = {
    "device": 60,
    "vitamin": 30,
    "skincare": 45,
    "baby": 90,
    "otc": 14,
    "rx": 0,
}
"""Days after delivery within which a product class may be returned; 0: never."""

PRODUCTS: Final = {
    "a blood pressure monitor": "device",
    "a digital thermometer": "device",
    "a nebuliser": "device",
    "a heating pad": "device",
    "a glucose meter": "device",
    "a pulse oximeter": "device",
    "an electric toothbrush": "device",
    "a pack of vitamin capsules": "vitamin",
    "a tub of magnesium powder": "vitamin",
    "a bottle of fish oil": "vitamin",
    "a box of zinc lozenges": "vitamin",
    "a jar of collagen powder": "vitamin",
    "a sun lotion": "skincare",
    "a hand balm": "skincare",
    "a face serum": "skincare",
    "an eczema ointment": "skincare",
    "an anti-dandruff shampoo": "skincare",
    "a breast pump": "baby",
    "a bottle steriliser": "baby",
    "a pack of nappies": "baby",
    "a teething ring": "baby",
    "a cough syrup": "otc",
    "a nasal spray": "otc",
    "a box of throat pastilles": "otc",
    "a hay fever remedy": "otc",
    "a heartburn remedy": "otc",
    "a prescription inhaler": "rx",
    "a prescription antibiotic": "rx",
    "a prescription painkiller": "rx",
}
REFUND_WORKING_DAYS: Final = {
    "credit card": 5,
    "debit card": 4,
    "gift card": 1,
    "bank account": 7,
    "store credit": 2,
    "mobile wallet": 3,
}
RETURN_REASONS: Final = {
    "faulty": "we",
    "damaged": "we",
    "past its use-by mark": "we",
    "the wrong item": "we",
    "no longer needed": "you",
    "the wrong size": "you",
    "a double purchase": "you",
}
"""Who pays the postage, by the reason of the return."""

RENEWAL_LEAD_DAYS: Final = {"controlled": 2, "prescription": 7, "free": 30}
PRESCRIPTION_VALID_DAYS: Final = {"controlled": 28, "prescription": 180}

BRANCHES: Final = (
    "harbour",
    "market",
    "station",
    "northgate",
    "riverside",
    "hilltop",
    "campus",
    "airport",
)
WEEKDAYS: Final = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
HOLIDAYS: Final = (
    "christmas day",
    "new year's day",
    "easter monday",
    "good friday",
    "labour day",
    "boxing day",
    "whit monday",
    "all saints' day",
)
_CLOSING_HOURS: Final = {
    "harbour": 18,
    "market": 19,
    "station": 21,
    "northgate": 18,
    "riverside": 17,
    "hilltop": 16,
    "campus": 20,
    "airport": 22,
}
_OPEN_EVERY_DAY: Final = frozenset({"station", "airport"})
CLOSED: Final = "closed"

ORDER_STATUSES: Final = ("processing", "packed", "shipped", "out for delivery", "delivered")


@dataclass(frozen=True)
class OrderRecord:
    """What the order system says of an order; `eta_days` is 0 once delivered."""

    order_number: str
    status: str
    eta_days: int


def order_record(order_number: str) -> OrderRecord:
    """The order system: every number has a record, derived from the number."""
    status = ORDER_STATUSES[seed_for("order-status", order_number) % len(ORDER_STATUSES)]
    eta_days = 0 if status == "delivered" else 1 + seed_for("order-eta", order_number) % 8
    return OrderRecord(order_number, status, eta_days)


def interaction(one: str, other: str) -> tuple[Stance, str]:
    """What two medicines do to each other, and the effect; ('none', '') if nothing is known."""
    return INTERACTIONS.get(frozenset((one, other)), ("none", ""))


def opening_hours(branch: str, day: str) -> str:
    """Hours such as '9:00 to 18:00' on a weekday or a holiday, or 'closed'."""
    closing = _CLOSING_HOURS[branch]
    if day in HOLIDAYS:
        return _holiday_hours(branch, day)
    if day == "sunday":
        return f"10:00 to {closing - 4}:00" if branch in _OPEN_EVERY_DAY else CLOSED
    if day == "saturday":
        return f"9:30 to {closing - 3}:00"
    return f"8:30 to {closing}:00"


def _holiday_hours(branch: str, day: str) -> str:
    if branch == "airport":
        return "11:00 to 15:00" if day == "christmas day" else "9:00 to 17:00"
    if branch == "station" and day not in {"christmas day", "new year's day"}:
        return "10:00 to 14:00"
    if branch == "market" and day in {"boxing day", "easter monday", "whit monday"}:
        return "12:00 to 16:00"
    return CLOSED


def prescription_class(medicine: str) -> Literal["controlled", "prescription", "free"]:
    """Which renewal rules a medicine falls under."""
    known = MEDICINES[medicine]
    if known.controlled:
        return "controlled"
    return "prescription" if known.prescription_only else "free"
