{{/* Argument: (list $ UID) */}}
{{- define "llm-router.podSecurity" -}}
runAsNonRoot: true
{{- if eq (index . 0).Values.security.userIds "fixed" }}
runAsUser: {{ index . 1 }}
runAsGroup: {{ index . 1 }}
fsGroup: {{ index . 1 }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "llm-router.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Over nodes and zones where there are several; a rollout's old pods don't count. Argument: (list $ COMPONENT) */}}
{{- define "llm-router.spread" -}}
{{- $arguments := . }}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "llm-router.selector" $arguments | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}

{{/* Where pods may run. Argument: a part's values */}}
{{- define "llm-router.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What all pods of the chart have. Argument: $ */}}
{{- define "llm-router.podBase" -}}
serviceAccountName: {{ include "llm-router.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- $pull := .Values.imagePullSecrets }}
{{- range (.Values.global | default dict).imagePullSecrets }}
{{- $pull = append $pull (kindIs "string" . | ternary (dict "name" .) .) }}
{{- end }}
{{- with $pull | uniq }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* HTTP probe. Argument: (list PATH PORT PERIOD TIMEOUT FAILURES) */}}
{{- define "llm-router.probe" -}}
httpGet:
  path: {{ index . 0 }}
  port: {{ index . 1 }}
periodSeconds: {{ index . 2 }}
timeoutSeconds: {{ index . 3 }}
failureThreshold: {{ index . 4 }}
{{- end }}

{{/* A probe with the user's fields over its own. Argument: (list PROBE FIELDS) */}}
{{- define "llm-router.probe.over" -}}
{{- $probe := index . 0 | fromYaml }}
{{- $own := index . 1 | default dict }}
{{- /* Kubernetes takes one way to probe: another one takes the place of ours. */}}
{{- range list "httpGet" "grpc" "exec" "tcpSocket" }}
{{- if hasKey $own . }}{{ $probe = omit $probe "httpGet" "grpc" }}{{ end }}
{{- end }}
{{- mergeOverwrite $probe $own | toYaml }}
{{- end }}

{{/* Probe by gRPC's health protocol, which Triton answers for all its models. Argument: (list PORT PERIOD TIMEOUT FAILURES) */}}
{{- define "llm-router.probe.grpc" -}}
grpc:
  port: {{ index . 0 }}
periodSeconds: {{ index . 1 }}
timeoutSeconds: {{ index . 2 }}
failureThreshold: {{ index . 3 }}
{{- end }}

{{/*
The line `replicas`. An autoscaler chooses them where there is one, but a Deployment without the line begins with one pod, and
falls to one when autoscaling is switched on: the number stays what it is in the cluster, within the autoscaler's bounds.
Rendered without a cluster (GitOps) there is no such line, so that nobody works against the autoscaler: every namespace of a cluster
has its default account. Argument: (list $ COMPONENT)
*/}}
{{- define "llm-router.replicas" -}}
{{- $root := index . 0 }}
{{- $part := index $root.Values (index . 1) }}
{{- if not $part.autoscaling.enabled }}
replicas: {{ $part.replicas }}
{{- else if lookup "v1" "ServiceAccount" $root.Release.Namespace "default" }}
{{- $name := printf "%s-%s" (include "llm-router.fullname" $root) (index . 1) }}
{{- $there := lookup "apps/v1" "Deployment" $root.Release.Namespace $name | default dict }}
{{- $wanted := dig "spec" "replicas" 0 $there | int64 }}
replicas: {{ min (max $wanted $part.autoscaling.minReplicas) $part.autoscaling.maxReplicas }}
{{- end }}
{{- end }}

{{/* Whether a part may have more than one pod. Argument: a part's values */}}
{{- define "llm-router.several" -}}
{{- if gt (ternary .autoscaling.minReplicas .replicas .autoscaling.enabled | int64) 1 }}yes{{ end }}
{{- end }}
