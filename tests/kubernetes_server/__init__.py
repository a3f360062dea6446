"""A real kube-apiserver with etcd on loopback, built from Debian's sources: `make test-kubernetes`.

There is no Flink operator and no controller: whoever uses it writes specification and status.
"""
