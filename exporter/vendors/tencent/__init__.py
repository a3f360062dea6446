"""Read Tencent Cloud: its API 3.0, the jobs of Oceanus, and their figures in Cloud Monitor.

`settings` says where it is and how to log in, `api` asks, `listing` pages, `jobs` and `times` read
rows, `memory` knows what was so before, `monitor` and `figures` deal with Cloud Monitor.
"""
