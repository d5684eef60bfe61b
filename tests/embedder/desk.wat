;; A step without a toolchain: it looks up one order by the label `orders`.
;; Input is a JSON string, the order's number; output is the body of the answer to
;; GET orders/<number>. The interface is written inline under the label.
(component
  (import "stepward:step/types@0.1.0" (instance $types
    (type $kind' (enum "retryable" "permanent"))
    (export "error-kind" (type $kind (eq $kind')))
    (type $error' (record (field "kind" $kind) (field "code" string) (field "message" string)))
    (export "step-error" (type (eq $error')))))
  (alias export $types "step-error" (type $step-error))

  (import "orders" (instance $orders
    (type $method' (enum "get" "head" "options" "post" "put" "patch" "delete"))
    (export "method" (type $method (eq $method')))
    (type $pair' (record (field "name" string) (field "value" string)))
    (export "pair" (type $pair (eq $pair')))
    (type $request' (record
      (field "method" $method) (field "path" (list string)) (field "query" (list $pair))
      (field "headers" (list $pair)) (field "body" (option (list u8))) (field "operation" (option string))))
    (export "request" (type $request (eq $request')))
    (type $response' (record (field "status" u16) (field "headers" (list $pair)) (field "body" (list u8))))
    (export "response" (type $response (eq $response')))
    (type $refusal' (record (field "rule" string) (field "message" string)))
    (export "refusal" (type $refusal (eq $refusal')))
    (type $cause' (enum "resolve" "connect" "tls" "timeout" "reset" "malformed" "too-large"))
    (export "cause" (type $cause (eq $cause')))
    (type $failure' (variant (case "refused" $refusal) (case "not-applied" $cause) (case "unknown" $cause)))
    (export "failure" (type $failure (eq $failure')))
    (export "send" (func (param "request" $request) (result (result $response (error $failure)))))))

  (core module $memory
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 4096))
    ;; Bump allocation; an instance lives for one run.
    (func (export "realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and
        (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $free (i32.add (local.get $at) (local.get $new)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))

  (core func $send (canon lower (func $orders "send")
    (memory $memory "memory") (realloc (func $memory "realloc"))))

  (core module $step
    (import "host" "memory" (memory 2))
    (import "host" "send" (func $send
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (data (i32.const 1024) "orders")
    (data (i32.const 1056) "order-unknown")
    (data (i32.const 1088) "the desk has no such order")
    (func (export "run") (param $input i32) (param $length i32) (result i32)
      ;; The path: "orders", and the input without its quotes.
      (i32.store (i32.const 1040) (i32.const 1024))
      (i32.store (i32.const 1044) (i32.const 6))
      (i32.store (i32.const 1048) (i32.add (local.get $input) (i32.const 1)))
      (i32.store (i32.const 1052) (i32.sub (local.get $length) (i32.const 2)))
      (call $send
        (i32.const 0)                                ;; get
        (i32.const 1040) (i32.const 2)               ;; path
        (i32.const 0) (i32.const 0)                  ;; query
        (i32.const 0) (i32.const 0)                  ;; headers
        (i32.const 0) (i32.const 0) (i32.const 0)    ;; no body
        (i32.const 0) (i32.const 0) (i32.const 0)    ;; no operation: a read
        (i32.const 2048))
      (if (i32.and
            (i32.eqz (i32.load8_u (i32.const 2048)))
            (i32.eq (i32.load16_u (i32.const 2052)) (i32.const 200)))
        (then
          (i32.store8 (i32.const 3072) (i32.const 0))
          (i32.store (i32.const 3076) (i32.load (i32.const 2064)))
          (i32.store (i32.const 3080) (i32.load (i32.const 2068))))
        (else
          (i32.store8 (i32.const 3072) (i32.const 1))
          (i32.store8 (i32.const 3076) (i32.const 1))
          (i32.store (i32.const 3080) (i32.const 1056))
          (i32.store (i32.const 3084) (i32.const 13))
          (i32.store (i32.const 3088) (i32.const 1088))
          (i32.store (i32.const 3092) (i32.const 26))))
      (i32.const 3072)))
  (core instance $step (instantiate $step (with "host" (instance
    (export "memory" (memory $memory "memory"))
    (export "send" (func $send))))))

  (func (export "run") (param "input" string) (result (result string (error $step-error)))
    (canon lift (core func $step "run") (memory $memory "memory") (realloc (func $memory "realloc")))))
