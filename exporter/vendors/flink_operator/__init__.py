"""Read what the Flink Kubernetes Operator says of its jobs, and ask the JobManagers it made.

`inventory` lists the resources, `resources` and `errors` read them, `states` judges what jobs do,
`jobs` describes them, alone or joined with what `managers` hear from JobManagers.
"""
