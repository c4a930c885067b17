"""The reviewer's checklist: what could make a table say more than its runs show.

In reading order: finding.py (what a check reports), case.py (what the checks look at), the checks
by what they read (data_checks, declaration_checks, record_checks, permutation), checklist.py.
"""
