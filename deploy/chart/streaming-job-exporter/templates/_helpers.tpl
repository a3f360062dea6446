{{- define "exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of all objects. 52 characters: a pod of a StatefulSet gets its number, a revision its hash. */}}
{{- define "exporter.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "exporter.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "exporter.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "exporter.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "exporter.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "exporter.config" -}}
{{- if kindIs "string" .Values.config }}
{{- .Values.config }}
{{- else }}
{{- toYaml .Values.config }}
{{- end }}
{{- end }}

{{/* What must be said, and what excludes what: in words that a schema does not have. */}}
{{- define "exporter.check" -}}
{{- if not (or .Values.config .Values.existingConfigMap .Values.demo) }}
{{- fail "say what to watch: `config` is exporter.yml; or name an existingConfigMap, or try `demo: true`" }}
{{- end }}
{{- if and .Values.edge.enabled (gt (int .Values.shards) 1) }}
{{- fail "edge.enabled: reports go to one exporter, so `shards` is 1; a second release can share out the jobs" }}
{{- end }}
{{- if and (gt (int .Values.replicas) 1) (or .Values.edge.enabled (gt (int .Values.shards) 1)) }}
{{- fail "replicas: several watch the same only with `shards: 1` and without edge; for replicas of shards, or beside a receiver, install another release" }}
{{- end }}
{{- if and .Values.web.tls (not .Values.web.existingSecret) }}
{{- fail "web.tls: name the Secret with web.yml, certificate and key in web.existingSecret" }}
{{- end }}
{{- end }}

{{- define "exporter.probe" -}}
httpGet:
  path: {{ .path }}
  port: http
  {{- if .root.Values.web.tls }}
  scheme: HTTPS
  {{- end }}
{{- end }}
