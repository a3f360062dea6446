"""Take the reports of Flink jobs at the edge, lose none, and show them beside all other jobs.

Edge jobs cannot be polled: their agents push. A report is read (`report`), turned into jobs
(`jobs`), made durable (`journal`), remembered (`job_tracker`) and only then answered (`receiver`);
`service` puts these together, `relay` passes reports on to DLI where that is wanted.
"""
