// Prints the variables that podman reads from a file, each with a NUL behind it. The package is the one that podman itself uses.
package main

import (
	"fmt"
	"os"

	"github.com/containers/podman/v5/pkg/env"
)

func main() {
	variables, err := env.ParseFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for name, value := range variables {
		fmt.Print(name, "=", value, "\x00")
	}
}
