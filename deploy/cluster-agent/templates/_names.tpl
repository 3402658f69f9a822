{{- define "agent.name" -}}
{{- if contains "agent" .Release.Name }}{{ .Release.Name | trunc 50 }}{{ else }}{{ printf "%s-agent" (.Release.Name | trunc 44) }}{{ end }}
{{- end }}
{{- define "agent.labels" -}}
app.kubernetes.io/name: cluster-agent
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- /* A number of a values file may come as 5e+06. */ -}}
{{- define "agent.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ printf "%.0f" . | quote }}{{ else }}{{ . | quote }}{{ end -}}
{{- end }}
