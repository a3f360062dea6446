"""Random histories of jobs, told to the real exporter and judged by a perfect observer.

`history` is a history as it is drawn and printed; `truth` what happens in it; `clouds` the five
kinds of platform and what their answers leave out; `cloud` answers from the truth; `stage` runs the
whole exporter over it in virtual time. `observer` compares what is published with what was so:
`rules` names the promises, `judgement` and `page` hold them against what is shown, `memory` keeps
what the platform told, `hindsight` what the truth allows. `bugs` lists bugs planted on purpose,
`planting` makes an exporter with one.
"""
