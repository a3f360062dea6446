"""Define the kinds of the Flink operator, as far as anybody here needs their fields.

What the real definitions refuse is refused here as well: words that are not known, fields that are
none. Their own files have a megabyte, nearly all of it about pods.
"""

from typing import Any

GROUP = "flink.apache.org"
VERSION = "v1beta1"
KINDS = {"flinkdeployments": "FlinkDeployment", "flinksessionjobs": "FlinkSessionJob"}

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer", "format": "int64"}
_FREE: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_TEXTS: Schema = {"type": "object", "additionalProperties": _TEXT}
_JOB_STATES = (
    *("INITIALIZING", "CREATED", "RUNNING", "FAILING", "FAILED", "CANCELLING", "CANCELED"),
    *("FINISHED", "RESTARTING", "SUSPENDED", "RECONCILING"),
)
_LIFECYCLES = (
    *("CREATED", "SUSPENDED", "UPGRADING", "DEPLOYED", "STABLE", "ROLLING_BACK", "ROLLED_BACK"),
    *("FAILED", "DELETING", "DELETED"),
)


def definition(plural: str, *more_job_states: str) -> Schema:
    """Return the CustomResourceDefinition of a kind, which may know further states of jobs."""
    kind = KINDS[plural]
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _schema(plural, (*_JOB_STATES, *more_job_states))},
        "subresources": {"status": {}},
    }
    names = {
        "plural": plural,
        "singular": kind.lower(),
        "kind": kind,
        "listKind": f"{kind}List",
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "versions": [version], "names": names},
    }


def _schema(plural: str, job_states: tuple[str, ...]) -> Schema:
    job = _object(
        jarURI=_TEXT,
        entryClass=_TEXT,
        args={"type": "array", "items": _TEXT},
        parallelism=_WHOLE,
        state=_word("running", "suspended"),
        upgradeMode=_word("savepoint", "last-state", "stateless"),
    )
    spec = {"job": job, "flinkConfiguration": _FREE}
    status = {
        "error": _TEXT,
        "observedGeneration": _WHOLE,
        "lifecycleState": _word(*_LIFECYCLES),
        "jobStatus": _object(
            jobId=_TEXT,
            jobName=_TEXT,
            state=_word(*job_states),
            startTime=_TEXT,
            updateTime=_TEXT,
            upgradeSavepointPath=_TEXT,
        ),
        "reconciliationStatus": _object(
            state=_word("DEPLOYED", "UPGRADING", "ROLLING_BACK", "ROLLED_BACK"),
            reconciliationTimestamp=_WHOLE,
            lastReconciledSpec=_TEXT,
            lastStableSpec=_TEXT,
        ),
    }
    if plural == "flinksessionjobs":
        spec["deploymentName"] = _TEXT
    else:
        spec |= {"image": _TEXT, "flinkVersion": _TEXT, "mode": _word("native", "standalone")}
        spec |= {"podTemplate": _FREE, "jobManager": _FREE, "taskManager": _FREE}
        managers = ("READY", "DEPLOYED_NOT_READY", "DEPLOYING", "MISSING", "ERROR")
        status |= {"clusterInfo": _TEXTS, "jobManagerDeploymentStatus": _word(*managers)}
    return _object(spec=_object(**spec), status=_object(**status))


def _word(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}
