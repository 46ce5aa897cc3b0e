{{- define "llm-router.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Short enough that the longest name made from it fits into 63 characters. */}}
{{- define "llm-router.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "llm-router.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "llm-router.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What a Deployment's selector holds; never changes. Argument: (list $ COMPONENT) */}}
{{- define "llm-router.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "llm-router.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "llm-router.labels" -}}
{{- $root := index . 0 -}}
{{ include "llm-router.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/part-of: llm-router
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Without versions: a new chart with the same pods rolls nothing. */}}
{{- define "llm-router.podLabels" -}}
{{ include "llm-router.selector" . }}
app.kubernetes.io/part-of: llm-router
{{- with (index . 0).Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "llm-router.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "llm-router.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Argument: (list $ IMAGE DEFAULT-REPOSITORY DEFAULT-TAG) */}}
{{- define "llm-router.image" -}}
{{- $root := index . 0 }}
{{- $image := index . 1 }}
{{- $repository := $image.repository | default (index . 2) }}
{{- with $root.Values.imageRegistry | default ($root.Values.global | default dict).imageRegistry }}{{ . | trimSuffix "/" }}/{{ end }}{{ $repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default (index . 3) }}{{ end }}
{{- end }}

{{/* Ends what Grafana knows a dashboard by, so that releases that share one keep their own; short: Grafana takes 40. */}}
{{- define "llm-router.boardSuffix" -}}
{{- printf "%s/%s" .Release.Namespace (include "llm-router.fullname" .) | sha256sum | trunc 8 }}
{{- end }}

{{- define "llm-router.redis.secret" -}}
{{- .Values.redis.existingSecret | default (printf "%s-redis" (include "llm-router.fullname" .)) }}
{{- end }}

{{/* HOST:PORT of the classifier for policies[].url; a headless Service, so that each replica is found and used. */}}
{{- define "llm-router.classifier.address" -}}
{{- if eq .Values.classifier.kind "external" }}
{{- fail "classifier.kind is external, so config.policies[].url has to name your classifier's own address, not {{ include \"llm-router.classifier.address\" . }}" }}
{{- end }}
{{- printf "%s-classifier-headless:8001" (include "llm-router.fullname" .) }}
{{- end }}
