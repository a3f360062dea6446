{{- define "exporter.pod" -}}
metadata:
  annotations:
    {{- if not .Values.existingConfigMap }}
    checksum/config: {{ include "exporter.config" . | sha256sum }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  labels:
    {{- include "exporter.selectorLabels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "exporter.serviceAccountName" . }}
  automountServiceAccountToken: {{ or .Values.flinkOperator.enabled .Values.flinkDiscovery.enabled }}
  enableServiceLinks: false
  terminationGracePeriodSeconds: 30
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  containers:
    - name: exporter
      image: {{ include "exporter.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        {{- if .Values.demo }}
        - demo
        {{- else }}
        - --config.file=/etc/streaming-job-exporter/exporter.yml
        {{- end }}
        - --log.format=json
        {{- if ne .Values.logLevel "info" }}
        - --log.level={{ .Values.logLevel }}
        {{- end }}
        {{- if .Values.web.existingSecret }}
        - --web.config.file=/etc/streaming-job-exporter-web/web.yml
        {{- end }}
        {{- if gt (int .Values.shards) 1 }}
        - --shard=auto
        - --total-shards={{ .Values.shards }}
        {{- end }}
        {{- range .Values.extraArgs }}
        - {{ . | quote }}
        {{- end }}
      {{- with .Values.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: http
          containerPort: 10370
      startupProbe:
        {{- include "exporter.probe" (dict "root" . "path" "/-/healthy") | nindent 8 }}
        periodSeconds: 1
        timeoutSeconds: 2
        failureThreshold: 60
      livenessProbe:
        {{- include "exporter.probe" (dict "root" . "path" "/-/healthy") | nindent 8 }}
        periodSeconds: 15
        timeoutSeconds: 5
        failureThreshold: 4
      readinessProbe:
        {{- include "exporter.probe" (dict "root" . "path" "/-/ready") | nindent 8 }}
        periodSeconds: 5
        timeoutSeconds: 5
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      volumeMounts:
        {{- if not .Values.demo }}
        - name: config
          mountPath: /etc/streaming-job-exporter
          readOnly: true
        {{- else }}
        - name: tmp
          mountPath: /tmp
        {{- end }}
        {{- if .Values.existingSecret }}
        - name: secrets
          mountPath: /run/secrets/streaming-job-exporter
          readOnly: true
        {{- end }}
        {{- if .Values.web.existingSecret }}
        - name: web
          mountPath: /etc/streaming-job-exporter-web
          readOnly: true
        {{- end }}
        {{- if .Values.edge.enabled }}
        - name: data
          mountPath: /var/lib/streaming-job-exporter
        {{- end }}
  volumes:
    {{- if not .Values.demo }}
    - name: config
      configMap:
        name: {{ default (include "exporter.fullname" .) .Values.existingConfigMap }}
    {{- else }}
    - name: tmp
      emptyDir: {}
    {{- end }}
    {{- with .Values.existingSecret }}
    - name: secrets
      secret:
        secretName: {{ . }}
        defaultMode: 0440
    {{- end }}
    {{- with .Values.web.existingSecret }}
    - name: web
      secret:
        secretName: {{ . }}
        defaultMode: 0440
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- with .Values.topologySpreadConstraints }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "exporter.selectorLabels" . | nindent 10 }}
    {{- end }}
{{- end }}
