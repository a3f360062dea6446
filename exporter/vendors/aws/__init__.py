"""Share what platforms of Amazon Web Services need: places, identities, what CloudWatch knows.

The control plane says what an application is meant to do; whether its job does it is known to
CloudWatch alone, which is paid for by the figure. What it is asked, when and for how much is
decided in one place (`figure_rounds`).
"""
