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

{{- /* Variables that the chart makes of other values: `plain` ones and those that are a key of a secret. One that is empty is not
       there; one that stands in env too would be there twice. */ -}}
{{- define "ripieno.variables" -}}
{{- $raw := merge (dict) .root.Values.store.env .root.Values.env }}
{{- range $name, $value := .plain }}
{{- if $value }}
{{- if hasKey $raw $name }}{{ fail (printf "env.%s: the chart says it itself, by another value: docs/operations.md" $name) }}{{ end }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- range $name, $secret := .secret }}
{{- if $secret.existingSecret }}
{{- if hasKey $raw $name }}{{ fail (printf "env.%s: the chart takes it from the secret %s" $name $secret.existingSecret) }}{{ end }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.existingSecret }}
      key: {{ $secret.key }}
{{- end }}
{{- end }}
{{- end }}

{{- /* As many chunks of one job may travel as all workers have slots for, twice: while half of them are in work the others wait
       in the lane, where the scaling sees them. */ -}}
{{- define "ripieno.env" -}}
{{- $plain := dict "RIPIENO_STORE" .Values.store.url "RIPIENO_QUEUES" .Values.broker.queues "RIPIENO_SOURCES" .Values.sources "TMPDIR" "/tmp" }}
{{- include "ripieno.variables" (dict "root" . "plain" $plain "secret" (dict "RIPIENO_BROKER" .Values.broker)) | trim }}
{{- $chunks := max 16 (mul 2 .Values.worker.slots .Values.worker.maxReplicas) }}
{{- $unless := dict "RIPIENO_CHUNKS_IN_LANE_MAX" $chunks "RIPIENO_LOG" "info" "RIPIENO_LOG_FORMAT" "json" }}
{{- range $name, $value := merge (dict) .Values.store.env .Values.env $unless }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- /* Of the front alone: who may call it, and what it shares with other fronts. */ -}}
{{- define "ripieno.frontEnv" -}}
{{- $auth := .Values.auth }}
{{- $name := printf "%s-front" (include "ripieno.name" .) }}
{{- $hosts := concat (list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace)) .Values.front.hosts }}
{{- $plain := dict "RIPIENO_AUTH" $auth.ways "RIPIENO_PUBLIC_URL" $auth.publicUrl "RIPIENO_HOSTS" (join "," $hosts) }}
{{- if contains "oauth" $auth.ways }}
{{- $_ := required "auth.publicUrl: oauth needs it" $auth.publicUrl }}
{{- $_ := set $plain "RIPIENO_OAUTH_ISSUER" (required "auth.issuer: oauth needs it" $auth.issuer) }}
{{- $_ := set $plain "RIPIENO_OAUTH_TENANT_CLAIM" $auth.tenantClaim }}
{{- $_ := set $plain "RIPIENO_OAUTH_TENANT" $auth.tenant }}
{{- $_ := set $plain "RIPIENO_OAUTH_ROLES_CLAIM" $auth.rolesClaim }}
{{- $_ := set $plain "RIPIENO_OAUTH_ROLE" $auth.role }}
{{- $_ := set $plain "RIPIENO_OAUTH_OPERATOR_TENANT" $auth.operatorTenant }}
{{- else if $auth.oidc.clientId }}
{{- fail "auth.oidc.clientId: browsers log in where auth.ways is oauth, or keys,oauth" }}
{{- end }}
{{- if $auth.oidc.clientId }}
{{- $_ := set $plain "RIPIENO_OIDC_CLIENT_ID" $auth.oidc.clientId }}
{{- $_ := set $plain "RIPIENO_OIDC_SCOPE" $auth.oidc.scope }}
{{- else if $auth.oidc.existingSecret }}
{{- fail "auth.oidc.existingSecret: it is the secret of auth.oidc.clientId, which is not said" }}
{{- end }}
{{- if .Values.front.tls.existingSecret }}
{{- $_ := set $plain "RIPIENO_TLS_CERTIFICATE_FILE" "/etc/ripieno/tls/tls.crt" }}
{{- $_ := set $plain "RIPIENO_TLS_KEY_FILE" "/etc/ripieno/tls/tls.key" }}
{{- end }}
{{- $secret := dict "RIPIENO_REDIS" .Values.redis "RIPIENO_OIDC_CLIENT_SECRET" $auth.oidc }}
{{- include "ripieno.variables" (dict "root" . "plain" $plain "secret" $secret) | trim }}
{{- end }}

{{- /* By what the front is called: http, or https where it has a certificate. */ -}}
{{- define "ripieno.scheme" -}}
{{- if .Values.front.tls.existingSecret }}https{{ else }}http{{ end }}
{{- end }}

{{- /* The port at which the provider of tokens is asked. */ -}}
{{- define "ripieno.issuerPort" -}}
{{- regexFind ":[0-9]+$" (urlParse .Values.auth.issuer).host | trimPrefix ":" | default "443" }}
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
