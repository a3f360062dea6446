"""Trade one identity of Huawei Cloud for another: agencies, identity providers, pods.

`trading` asks and understands the answers; each other module is one way to come to another
identity, and says in whose words. All of them are asked for through `SendAs`, so that they are
counted like every call of an API.
"""
