{{/* Peers of a network policy. Argument: list of { namespace, namespaceLabels, podLabels, cidr, except } */}}
{{- define "llm-router.peers" -}}
{{- range . }}
{{- if .cidr }}
- ipBlock:
    cidr: {{ .cidr | quote }}
    {{- with .except }}
    except:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- else }}
-
  {{- if or .namespace .namespaceLabels }}
  namespaceSelector:
    matchLabels:
      {{- with .namespace }}
      kubernetes.io/metadata.name: {{ . }}
      {{- end }}
      {{- with .namespaceLabels }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
  {{- end }}
  {{- with .podLabels }}
  podSelector:
    matchLabels:
      {{- toYaml . | nindent 6 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Argument: list of TCP ports */}}
{{- define "llm-router.ports" -}}
{{- range . }}
- { protocol: TCP, port: {{ int64 . }} }
{{- end }}
{{- end }}

{{/* Egress to what a list of { peers, ports } names. */}}
{{- define "llm-router.egress" -}}
{{- range . }}
- to:
    {{- include "llm-router.peers" .peers | nindent 4 }}
  ports:
    {{- include "llm-router.ports" .ports | nindent 4 }}
{{- end }}
{{- end }}

{{- define "llm-router.egress.dns" -}}
- to:
    {{- include "llm-router.peers" .Values.networkPolicy.dns.peers | nindent 4 }}
  ports:
    {{- range .Values.networkPolicy.dns.ports }}
    - { protocol: UDP, port: {{ int64 . }} }
    - { protocol: TCP, port: {{ int64 . }} }
    {{- end }}
{{- end }}

{{/* One of our own parts as a peer. Argument: (list $ COMPONENT) */}}
{{- define "llm-router.part" -}}
- podSelector:
    matchLabels:
      {{- include "llm-router.selector" . | nindent 6 }}
{{- end }}

{{- define "llm-router.policyHead" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "llm-router.fullname" (index . 0) }}-{{ index . 1 }}
  namespace: {{ (index . 0).Release.Namespace }}
  labels:
    {{- include "llm-router.labels" . | nindent 4 }}
{{- end }}

{{/*
Not empty when the classifier's HTTP port is open to other pods: router-server's always is (metrics and probes), Triton's only where
a policy asks it by http://, because old releases can be made to run a stranger's code through it.
*/}}
{{- define "llm-router.classifierHttp" -}}
{{- if or (ne .Values.classifier.kind "triton") (has "8000" (include "llm-router.classifierPorts" . | fromJsonArray | toStrings)) }}open{{ end }}
{{- end }}

{{/* http:// classifiers speak on 8000, grpc:// and grpcs:// ones on 8001: the ports that the policies' URLs name, of our own classifier. */}}
{{- define "llm-router.classifierPorts" -}}
{{- $config := include "llm-router.config" . | fromYaml }}
{{- $ports := list }}
{{- range $config.policies }}
{{- range (kindIs "slice" .url | ternary .url (list .url)) }}
{{- $upgraded := and (hasPrefix "http:" .) (dig "classifier" "upgrade_http_to_grpc" false $config) }}
{{- $ports = append $ports (or (regexMatch "^grpcs?:" .) $upgraded | ternary 8001 8000) }}
{{- end }}
{{- end }}
{{- $ports | uniq | toJson }}
{{- end }}
