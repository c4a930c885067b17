"""The reviewer's checklist: what could make a table say more than its runs show; and the
examination of data before anyone trains.

In reading order: finding.py (what a check reports), data_parts.py and case.py (what the checks look
at), the checks by what they read (data_checks, row_checks, column_checks, drift,
declaration_checks, record_checks, permutation), checklist.py, examination.py, histograms.py.
"""
