"""What rules ask of an analysis: one file for each kind of question.

In: an `Analysis`.  Out: plain answers: what hangs, where, by which way; which locks may be one, who ends a wait.
Never: syntax, a language's name, words for people; and the analysis itself asks nothing here.
"""
