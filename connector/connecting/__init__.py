"""Everything a person does to connect a tenant: log in, choose, paste a key, ping, go live.

Used by the onboarding pages, the admin, commands and jobs. Each function says in its errors what
a person can do about them.
"""
