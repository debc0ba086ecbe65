module read-podman-env

go 1.23

require github.com/containers/podman/v5 v5.2.5

require golang.org/x/exp v0.0.0-20240719175910-8a7402abbf56 // indirect
