{{- define "ripieno.name" -}}
{{- if eq .Release.Name .Chart.Name }}{{ .Chart.Name }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "ripieno.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{ include "ripieno.selector" . }}
{{- end }}

{{- define "ripieno.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ripieno.account" -}}
{{- .Values.serviceAccount.name | default (include "ripieno.name" .) }}
{{- end }}

{{- /* Nobody is root, nothing is written but to the volumes. */ -}}
{{- define "ripieno.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "ripieno.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* As many chunks of one job may travel as all workers have slots for, twice: while half of them are in work the others wait
       in the lane, where the scaling sees them. */ -}}
{{- define "ripieno.env" -}}
- name: RIPIENO_BROKER
  valueFrom:
    secretKeyRef:
      name: {{ .Values.broker.existingSecret }}
      key: {{ .Values.broker.key }}
- name: RIPIENO_STORE
  value: {{ .Values.store.url | quote }}
- name: RIPIENO_QUEUES
  value: {{ .Values.broker.queues | quote }}
- name: RIPIENO_LOG
  value: info
- name: RIPIENO_LOG_FORMAT
  value: json
- name: TMPDIR
  value: /tmp
{{- with .Values.sources }}
- name: RIPIENO_SOURCES
  value: {{ . | quote }}
{{- end }}
{{- if not (hasKey .Values.env "RIPIENO_CHUNKS_IN_LANE_MAX") }}
- name: RIPIENO_CHUNKS_IN_LANE_MAX
  value: {{ max 16 (mul 2 .Values.worker.slots .Values.worker.maxReplicas) | quote }}
{{- end }}
{{- range $name, $value := merge (dict) .Values.store.env .Values.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "ripieno.envFrom" -}}
{{- with .Values.store.existingSecret }}
envFrom:
  - secretRef:
      name: {{ . }}
{{- end }}
{{- end }}

{{- define "ripieno.placing" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "ripieno.pull" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}
