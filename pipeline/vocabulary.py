"""The words of the evaluation as enums, each member with one sentence saying what it means.

What belongs here: closed lists of outcomes and kinds that tables, mappings and rules share.
What stays out: anything that a programme or an organisation may choose for itself (waves, arms,
session groups), and anything but the standard library.
"""

from enum import StrEnum


class Term(StrEnum):
    """A lower-case word with the sentence that defines it, in `.meaning`."""

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> "Term":
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


class OrganisationKind(Term):
    POLICE_FORCE = "police_force", "A territorial or special police force."
    VIOLENCE_REDUCTION_UNIT = (
        "violence_reduction_unit",
        "A partnership funded to reduce violence; its officers belong to home forces.",
    )
    OTHER = "other", "Another body, such as a research study, that the programme file declares."


class ArmRole(Term):
    PROGRAMME = "programme", "Its officers come to the sessions of the programme."
    COMPARISON = "comparison", "Its officers answer the questionnaires and come to no sessions."
    WAITING_LIST = "waiting_list", "Its officers come to sessions after others have had theirs."


class Kind(Term):
    QUESTIONNAIRE = "questionnaire", "Answers to one or more instruments."
    ROSTER = "roster", "Who enrolled, in which session group and cohort."
    ATTENDANCE = "attendance", "Who came to which session."
    DEPARTURES = "departures", "Who withdrew or left, when and why."


class Platform(Term):
    CSV = "csv", "Plain delimited text with one header record."
    QUALTRICS = "qualtrics", "Qualtrics CSV or TSV with three header records, or two if legacy."
    MICROSOFT_FORMS = "microsoft_forms", "Microsoft Forms workbook, one sheet, one header row."
    GOOGLE_FORMS = "google_forms", "Google Forms CSV: Timestamp first, one header record."
    SMARTSURVEY = "smartsurvey", "SmartSurvey CSV with one header record."
    SURVEYMONKEY = "surveymonkey", "SurveyMonkey: question and choice in two header records."
    JISC = "jisc", "Jisc Online Surveys, coded or labelled; its URN identifies a response."
    REDCAP = "redcap", "REDCap, raw or labels: several rows a record, one for each event or repeat."
    LIMESURVEY = "limesurvey", "LimeSurvey with headings as codes, as texts or as both."
    SPSS = "spss", "An SPSS file (.sav), with value labels and missing values of its own."


class Delivery(Term):
    CUMULATIVE = "cumulative", "Each file holds everything so far; the newest good one replaces."
    INCREMENTAL = "incremental", "Each file holds only what is new; files add up."


class Severity(Term):
    REJECT = "reject", "The row goes to quarantine."
    WARN = "warn", "The row is kept and flagged."


class Verdict(Term):
    ACCEPTED = "accepted", "Every contract held, or a steward accepted it; its rows count."
    ACCEPTED_WITH_WARNINGS = (
        "accepted_with_warnings",
        "The accepted rows count; something should be looked at.",
    )
    HELD = "held", "Nothing of it counts until a steward has decided."
    REJECTED = "rejected", "Nothing of it counts; the organisation must send it again."


class QuarantineStatus(Term):
    OPEN = "open", "Nobody has decided about the row yet."
    RESOLVED = "resolved", "A later submission brought a sound row for the same measurement."
    RETURNED = "returned", "A steward sent the file back; the organisation must send it again."
    WAIVED = "waived", "A steward lets the row count although it broke the rule."
    EXPIRED = "expired", "The steward's waiver of the rule has ended; the row counts no more."


class DecisionAction(Term):
    ACCEPT = "accept", "A submission that is held counts all the same."
    RETURN = "return", "Nothing of a submission counts; the organisation must send it again."
    WAIVE = "waive", "A row counts until an end date although it broke a rule."


class EntryKind(Term):
    """What is put on record beside receipts and decisions."""

    LEFT_PROGRAMME = "left_programme", "An officer left the programme; what they answered stays."
    COLLECTION_STOPPED = "collection_stopped", "Nothing that arrives later of an officer counts."
    ERASED = "erased", "An officer's rows were removed; the tombstone keeps them out."
    KEY_RECORDED = (
        "key_recorded",
        "The check value of a key was put on record, so that no other is taken for it.",
    )
    KEY_ROTATED = "key_rotated", "Every pseudonym was carried on by one more key."
    LINK_JUDGED = "link_judged", "A steward said whether two codes are of one officer."
    TEXT_JUDGED = "text_judged", "A steward read a comment and approved it or did not."
    RELEASED = "released", "A release was made, with digests of who is in each cell."
    EXTRACTED = "extracted", "Rows for research were made."
    PACK_WRITTEN = "pack_written", "A return pack was made, for an organisation to mend its file."
    NOTICE_SENT = (
        "notice_sent",
        "Stewards were told, by mail or webhook, of files that wait for them.",
    )
    REMINDED = "reminded", "A workbook of reminders was written for an organisation's contact."
    RELEASE_ASKED = "release_asked", "Somebody asked at the desk for a release to be made."
    RELEASE_APPROVED = "release_approved", "A second person approved a release that was asked for."


class Role(Term):
    """What somebody with an account may do at the desk; each may do what those before it may."""

    VIEWER = "viewer", "Sees submissions, counts and the audit trail, and decides nothing."
    STEWARD = "steward", "Decides about submissions, rows and codes, and reads free texts."
    RELEASER = "releaser", "Asks for releases, and approves those that others asked for."

    def may(self, needed: "Role") -> bool:
        """Whether this role includes what the other may do."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class AccountAct(Term):
    """What is put on record of an account."""

    ADDED = "added", "The account was made, or opened again, with a role and a password."
    PASSWORD_CHANGED = "password_changed", "Its owner chose another password."
    DISABLED = "disabled", "Nobody can sign in with it any more."


class KeyState(Term):
    """What is to be said of a key beside those that pseudonyms were made with."""

    RIGHT = "right", "It is the key that the pseudonyms were made with."
    WRONG = "wrong", "It is another key."
    MISSING = "missing", "It is not there, though pseudonyms were made with it."
    NOT_TAKEN_UP = "not_taken_up", "It is there, but no pseudonym was carried on by it."
    NOTHING_TO_COMPARE = "nothing_to_compare", "No pseudonym was made yet, so no key is wrong."


class LinkTier(Term):
    """By what the codes of two waves were taken for one officer's, or were not."""

    EXACT = "exact", "Every element of the code is the same."
    ONE_ELEMENT = (
        "one_element",
        "One element differs or is missing, no other code could be meant, and known facts agree.",
    )
    JUDGED = "judged", "A steward said that the codes are one officer's."
    EARLIER_ONLY = "earlier_only", "Answered the earlier wave; nothing is linked at the later one."
    LATER_ONLY = "later_only", "Answered the later wave; nothing is linked at the earlier one."


class LinkStatus(Term):
    """What became of two codes that are nearly the same."""

    LINKED = "linked", "Taken for one officer's, since one element differs and all else agrees."
    OPEN = "open", "Not taken for one officer's; a steward may say that they are."
    JOINED = "joined", "A steward said that they are one officer's."
    PARTED = "parted", "A steward said that they are not."
    CONTRADICTED = (
        "contradicted",
        "A steward said that they are one officer's, but both were given on one occasion.",
    )


class LinkDoubt(Term):
    """Why two codes that are nearly the same are not taken for one officer's."""

    SEVERAL_CODES = "several_codes", "One of them is as near to another code, which could be meant."
    FACTS_DIFFER = "facts_differ", "Gender or ethnicity differ, or rank or service came down."
    TWO_ELEMENTS = "two_elements", "Two elements differ or are missing."
    NO_CENTRE = (
        "no_centre",
        "Several codes hang together, and none of them is within one element of all others.",
    )


class LinkJudgement(Term):
    """What a steward says about two codes."""

    LINK = "link", "They are one officer's."
    PART = "part", "They are of two officers."


class LinkErrorMethod(Term):
    """How wrong and missed links are estimated."""

    CHANCE_AND_ERRORS = (
        "chance_and_errors",
        "Wrong links from how often values occur, missed ones from how often one element differs.",
    )
    FELLEGI_SUNTER = (
        "fellegi_sunter",
        "A mixture of pairs of one officer and of two, fitted to which elements agree.",
    )


class Covered(Term):
    """What stands in brackets where free text named or numbered somebody."""

    NAME = "name", "Part of a person's name."
    COLLAR_NUMBER = "collar number", "An officer's collar, warrant or shoulder number."
    EMAIL = "e-mail", "An e-mail address."
    PHONE = "phone", "A telephone number or an extension."
    WEB_ADDRESS = "web address", "A web or IP address."
    ACCOUNT = "account", "An account of a social network."
    NATIONAL_INSURANCE = "insurance number", "A National Insurance number."
    BANK = "bank account", "An IBAN, or a sort code with its account."
    POSTCODE = "postcode", "A postcode."
    ADDRESS = "address", "House number and street."
    VEHICLE = "vehicle", "A vehicle registration mark."
    REFERENCE = "reference", "The number of a crime, an incident or a case."
    NUMBER = "number", "Any other number of seven digits or more."
    DATE = "date", "A day; a month or a year alone stays."
    STEWARD = "covered", "What a steward covered who read the text."


class CommentState(Term):
    """What became of a free text that a mapping names."""

    WAITING = "waiting", "No steward has judged the text as it is now."
    APPROVED = "approved", "A steward approved it; it is in `core.comments`."
    REJECTED = "rejected", "A steward rejected it; it is in no table."


class DuplicatePolicy(Term):
    FIRST_COMPLETE = "first_complete", "The earliest response with every item answered stays."
    LAST = "last", "The latest response stays."
    MOST_COMPLETE = "most_complete", "The response with the most answers stays."


class EnrolmentSource(Term):
    ROSTER = "roster", "A roster named the officer."
    FIRST_RESPONSE = (
        "first_response",
        "No roster: officers who never answered are invisible in this organisation.",
    )


class DepartureKind(Term):
    WITHDREW = "withdrew", "The officer left the programme and stayed in the organisation."
    LEFT_ORGANISATION = "left_organisation", "The officer left the organisation."


class WaveStatus(Term):
    """What became of one officer's measurement at one wave; listed in order of precedence."""

    COMPLETED = "completed", "Answered within the window and scorable."
    COMPLETED_OUT_OF_WINDOW = "completed_out_of_window", "Scorable, but answered early or late."
    PARTIAL = "partial", "Answered, but no subscale can be scored."
    WITHDRAWN = "withdrawn", "No response; withdrew before the window closed."
    LEFT_ORGANISATION = (
        "left_organisation",
        "No response; left the organisation before the window closed.",
    )
    NOT_SCHEDULED = "not_scheduled", "The organisation's programme does not hold this wave."
    NOT_YET_DUE = "not_yet_due", "The window has not opened."
    OPEN = "open", "An answer is waited for: in the window, or in the days of grace after it."
    MISSED = "missed", "No response came, and none is waited for any more."


class DropoutStage(Term):
    NEVER_ATTENDED = "never_attended", "Sessions were held and the officer came to none."
    AFTER_FIRST_SESSION = (
        "after_first_session",
        "Exactly one session attended, and at least two held since.",
    )
    DURING_PROGRAMME = (
        "during_programme",
        "Two or more sessions attended, and the last three held all missed.",
    )
    DURING_FOLLOW_UP = (
        "during_follow_up",
        "The programme ended, a due follow-up was missed and none was answered later.",
    )
    NONE = "none", "Still taking part, or took part to the end."
    TOO_EARLY = "too_early", "Not enough sessions or waves have passed to say."


class Denominator(Term):
    """Whom a count of dropout is a share of."""

    ENROLLED = "enrolled", "Everybody who enrolled."
    TWO_SESSIONS = "two_sessions", "Those of them who came to two sessions or more."


class Ending(Term):
    """What came after the last wave that an officer answered."""

    DROPPED_OUT = "dropped_out", "The next wave held was missed, or the officer withdrew."
    LEFT_ORGANISATION = "left_organisation", "The officer left the organisation before the next."
    CENSORED = "censored", "No later wave was held, or what became of the next is not decided."


class SessionsBand(Term):
    """Sessions attended up to the as-of date, in bands."""

    NONE = "none", "No session attended."
    ONE = "one", "One session."
    TWO_TO_FOUR = "2 to 4", "Two to four sessions."
    FIVE_TO_SEVEN = "5 to 7", "Five to seven sessions."
    EIGHT_OR_MORE = "8 or more", "Eight sessions or more."


class Imbalance(Term):
    """How far those who left differed at the first wave from those who stayed."""

    SMALL = "small", "The standardised difference is at most 0.10."
    NOTABLE = "notable", "It is above 0.10."
    SERIOUS = "serious", "It is above 0.25."


class ComparedArms(Term):
    """What two arms have behind them at the wave at which they are compared."""

    BEGUN_WITH_NOT_BEGUN = (
        "begun_with_not_begun",
        "Sessions of the first have begun before the wave, those of the reference have not.",
    )
    BOTH_BEGUN = "both_begun", "Sessions of both have begun: not a contrast with having none."
    NEITHER_BEGUN = (
        "neither_begun",
        "Sessions of neither have begun: there is nothing to differ by.",
    )
    IN_STEPS = (
        "in_steps",
        "All arms and waves: those that have begun and those that have not, periods allowed for.",
    )


class ClusterLevel(Term):
    """Of which two officers the correlation is."""

    SESSION_GROUP = "session_group", "Two officers of one session group."
    ORGANISATION = "organisation", "Two of one organisation, in different session groups."


class Measure(Term):
    """What is correlated between officers of one cluster."""

    BASELINE = "baseline", "The score at the programme's first wave."
    CHANGE = "change", "The change between the waves of the primary contrast."


class Careless(Term):
    """Signs that answers were given without care, which are confounded with severity."""

    STRAIGHT_LINING = (
        "straight_lining",
        "One answer is repeated for half of the items or more in a row.",
    )
    ANSWERED_TOO_FAST = "answered_too_fast", "Less than two seconds were taken for each item."
    LITTLE_VARIATION = (
        "little_variation",
        "The SD of all answers is below a tenth of the range of answers.",
    )
    CONTRADICTORY = (
        "contradictory",
        "Ordinary and reversed items of a subscale lie half the range of answers apart or more.",
    )
    ANY = "any", "Any of these signs."


class Incomparable(Term):
    """Why an organisation's answers cannot be compared with those of the others."""

    TOO_FEW = "too_few_responses", "Fewer than ten responses answer every item."
    UNRELIABLE = "unreliable", "Even the upper limit of alpha, or of omega, is below 0.70."
    ITEMS_DIFFER = "items_differ", "An item behaves clearly otherwise than in the others."


class LeftOut(Term):
    """Why an organisation does not enter a pooled change."""

    TOO_FEW = "too_few_officers", "Fewer than ten officers answered both waves."
    NOT_COMPARABLE = (
        "not_comparable",
        "Its answers cannot be compared with others' at one of the waves (see comparability).",
    )
    NO_SPREAD = "no_spread", "All officers, or all session groups, changed alike: no variance."


class BandLevel(Term):
    LOW = "low", "The lowest band of the band system."
    MODERATE = "moderate", "Any band between the lowest and the highest."
    HIGH = "high", "The highest band of the band system."


class Better(Term):
    HIGHER = "higher", "A higher score is the better outcome."
    LOWER = "lower", "A lower score is the better outcome."


class CoarserBecause(Term):
    """Why something is given more coarsely than it was recorded, in rows for research."""

    ALWAYS = "always", "No row for research has it otherwise."
    TOO_FEW = "too_few", "With everything as recorded, fewer than five officers are alike."
    ONE_BAND = "one_band", "Enough officers are alike, but all with a band have the same."
    WEEK_ALONE = (
        "week_alone",
        "Of officers alike, fewer than five answered in that week, or all with one band.",
    )


class RobustnessMethod(Term):
    """How a change is estimated, beside others, to see whether dropout could explain it."""

    COMPLETE_CASES = "complete_cases", "Officers who answered both waves, and no one else."
    MIXED_MODEL = "mixed_model", "Every score of every officer, in a model for repeated measures."
    ATTRITION_WEIGHTED = (
        "attrition_weighted",
        "Officers who answered both waves, weighted for those like them who left.",
    )
    MULTIPLE_IMPUTATION = (
        "multiple_imputation",
        "All whose wave is due, missing scores drawn as if missing at random.",
    )
    DELTA_MINUS = (
        "delta_minus",
        "The same, scores of those who did not answer 0.5 SD lower than drawn.",
    )
    DELTA_PLUS = (
        "delta_plus",
        "The same, scores of those who did not answer 0.5 SD higher than drawn.",
    )
    TIPPING_POINT = (
        "tipping_point",
        "The same, moved by the smallest shift at which the 95% interval includes 0.",
    )


class RobustnessOutcome(Term):
    """What comes of comparing a method with the complete cases, by rule."""

    REFERENCE = "reference", "The complete cases, which the other methods are compared with."
    SIGN_AND_INTERVAL_AGREE = (
        "sign_and_interval_agree",
        "Same sign as the complete cases, and both intervals include 0 or neither does.",
    )
    INTERVAL_DIFFERS = (
        "interval_differs",
        "Same sign as the complete cases, but one of the two intervals includes 0.",
    )
    SIGN_DIFFERS = "sign_differs", "Another sign than the complete cases."
    WITHIN_RANGE = (
        "within_range",
        "A shift of at most 0.5 SD, the range fixed beforehand, makes the interval include 0.",
    )
    BEYOND_RANGE = (
        "beyond_range",
        "It takes a shift of more than 0.5 SD to make the interval include 0.",
    )
    INCLUDES_ZERO = "includes_zero", "The interval includes 0 without any shift."
    NOT_AVAILABLE = (
        "not_available",
        "No interval to compare, here or of the complete cases; their notes say why.",
    )
