"""Plan, approve, apply: what would be done is shown before it is done, and nothing else is done.

A plan is made by rehearsing: the product's own sync functions run against stand-ins for both
vendors, in a transaction that is taken back. What they would have sent are the plan's steps.
"""
