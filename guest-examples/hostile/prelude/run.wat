;; Instantiates `$guest-module` with the base and every import of the file, and exports its `run`.
(core instance $guest (instantiate $guest-module (with "base" (instance $base)) WITH))
(type $run (func (param "input" string) (result (result string (error $step-error)))))
(func $run (type $run) (canon lift (core func $guest "run") (memory $base "memory") (realloc (func $base "realloc"))))
(export "run" (func $run))
