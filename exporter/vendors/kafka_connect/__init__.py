"""Ask the workers of a Kafka Connect cluster, and see through what their listing says.

`workers` finds one that is well, `listing` reads what it says, `states` judges it, `advertised`
looks whether those that run something are there at all, and `jobs` puts it into the vocabulary.
"""
