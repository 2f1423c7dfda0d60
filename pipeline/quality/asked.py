"""What an organisation is asked to do about a row that broke a rule, in words for whoever sends it.

What belongs here: one sentence a rule, for somebody who has the file open and knows nothing of
mappings. What stays out: what a steward can do about it (`Rule.remedy`), and how the sentences are
sent (`pipeline/return_pack.py`).
"""

from typing import Final

ASKED: Final = {
    "participant_key_missing": "Write the officer's number into the row.",
    "participant_key_lost_digits": (
        "A spreadsheet shortened the number to the form 1.2E+06 and lost digits. Send the export "
        "as the survey tool wrote it, or format the column as text before you enter numbers."
    ),
    "code_elements_missing": (
        "The code lacks two elements or more and cannot be repaired. Ask for every element in the "
        "next survey."
    ),
    "totals_or_headings": "Take the row out: it sums up others or repeats the headings.",
    "preview_or_test_row": (
        "Take the row out if it was a preview or a test; if an officer really answered, say so."
    ),
    "wave_unknown": "Write which wave the row belongs to, in the words that you usually use.",
    "answer_not_recognised": (
        "Write the answer as one of the questionnaire's choices or its number. If a spreadsheet "
        "made dates of answers, send the export as the survey tool wrote it."
    ),
    "answer_out_of_range": "Correct the answer: the questionnaire has no such choice.",
    "too_many_unanswered": (
        "More items are blank than the questionnaire allows. Send the answers if they were lost on "
        "the way; if the officer left them blank, there is nothing to do."
    ),
    "completed_in_future": "Correct the date: it lies after the day on which you sent the file.",
    "completed_on_not_recognised": "Write the date as in the other rows of the column.",
    "duration_not_recognised": "Write the time taken in seconds, or leave the cell blank.",
    "arm_unknown": "Write the group as the evaluation calls it.",
    "enrolled_on_not_recognised": "Write the day of enrolment as in the other rows.",
    "rank_not_recognised": "Write the rank in full, or tell us what the spelling means.",
    "gender_not_recognised": "Use a usual word, or tell us what the spelling means.",
    "ethnicity_not_recognised": "Use the code or label of your list, or tell us what it means.",
    "service_years_not_recognised": (
        "Write whole years of service. If a spreadsheet made a date of a band, format the column "
        "as text."
    ),
    "session_number_unknown": "Write the number of the session, as the programme counts them.",
    "attended_not_recognised": "Write whether the officer came, yes or no.",
    "cancelled_not_recognised": "Write whether the session was cancelled, yes or no.",
    "absence_reason_not_recognised": (
        "Use one of the usual reasons, or leave the cell blank; write no sentences about a person."
    ),
    "held_on_not_recognised": "Write the day of the session as in the other rows.",
    "held_in_future": "Correct the date, or whether the officer came: the session lies ahead.",
    "minutes_not_recognised": "Write whole minutes, or leave the cell blank.",
    "departed_on_not_recognised": "Write the day of departure as in the other rows.",
    "departure_kind_unknown": "Write whether the officer withdrew or left the organisation.",
    "new_force_unknown": "Write the name of the force that the officer went to in full.",
    "new_number_lost_digits": (
        "A spreadsheet shortened the new number to the form 1.2E+06 and lost digits. Format the "
        "column as text and enter it again."
    ),
    "duplicate_enrolment": "Take the extra row out: the list has the officer more than once.",
    "duplicate_attendance": "Take the extra row out: the officer and session are there twice.",
    "duplicate_departure": "Take the extra row out: the list has the departure more than once.",
    "number_of_two_officers": (
        "The number stands on rows with different details. If two officers share it, give each "
        "their own; if it is one officer, correct the details."
    ),
    "participant_not_enrolled": (
        "No roster that you sent has this number. Correct it, or send a roster that does."
    ),
    "completed_after_departure": "Correct the day of the response or of the departure.",
    "completed_before_enrolment": "Correct the day of the response or of the enrolment.",
    "transfers_contradict": (
        "The new number is given to two officers, or was another's before. Ask the new force for "
        "it and correct the row."
    ),
    "departed_before_enrolment": "Correct the day of the departure or of the enrolment.",
    "session_on_two_days": (
        "The register has the group's session on two days. Correct the date, or give the repeated "
        "session a number of its own."
    ),
    "row_disappeared": (
        "An earlier file had this row and the newest has not. Send a complete file, unless the row "
        "was taken out on purpose."
    ),
}
"""Rule -> what the organisation is asked to do, for the rules that it can do something about."""

NOT_ASKED: Final = frozenset(
    {
        # They speak of how an officer answered, which nobody they answer to is told.
        "straight_lining",
        "answered_too_fast",
        # Which response counts is the programme's to say, and whose code it is nobody can know.
        "duplicate_response",
        "code_shared",
        "code_incomplete",
        # As it should be.
        "completed_shortly_before_enrolment",
    }
)
"""Rules of which an organisation is told nothing."""

ASKED_OF_THE_FILE: Final = {
    "somebody_consented": (
        "No row says that anybody agreed to take part. Check the column of consent and send the "
        "file again."
    ),
    "most_rows_sound": (
        "Most rows broke rules, so nothing of the file counts. Correct the rows below, or the "
        "export itself if they have one cause, and send the whole file again."
    ),
    "not_too_many_rows_quarantined": (
        "Many rows broke rules. Correct the rows below and send the whole file again."
    ),
    "no_rows_quarantined": "Some rows do not count until they are corrected; they are below.",
    "officers_on_roster": (
        "Many officers are on no roster. Send the newest roster, or correct the numbers."
    ),
    "not_shorter_than_before": (
        "The file has far fewer rows than the one before, though each should hold all so far. Send "
        "the complete export."
    ),
    "no_unknown_columns": (
        "The file has columns that are not agreed. They were not taken in; leave them out."
    ),
    "quarantined_like_before": (
        "More rows broke rules than in your last file. Look for what changed in between."
    ),
    "unlinked_like_before": (
        "More officers are on no roster than in your last file. Send the newest roster."
    ),
    "no_columns_appeared": (
        "The file has columns that your last one had not. Say whether the form or the export was "
        "changed."
    ),
    "no_columns_vanished": (
        "Columns of your last file are gone. Say whether the form or the export was changed."
    ),
    "answers_not_shifted": (
        "The answers differ far from those of your earlier files. Check whether the coding of the "
        "answers or the order of the questions was changed."
    ),
    "answers_hardly_shifted": (
        "The answers differ from those of your earlier files. Check whether the coding of the "
        "answers or the order of the questions was changed."
    ),
}
"""Expectation of a contract -> what the organisation is asked to do about the file as a whole."""
