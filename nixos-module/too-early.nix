# Whether a unit starts before a unit of ours that it should wait for.
{ lib, ordering }:

unit: installer:

let
  # The units by which it starts before: itself, or others that wait for it.
  ways = ordering.waitingFor [ unit ] installer;
  last = lib.head ways;
  first = ordering.waiterFor unit last;
in
{
  isTooEarly = ways != [ ];

  # For messages.
  text =
    "${unit} starts before ${installer}"
    + lib.optionalString (!lib.elem unit ways) (
      ", because ${first} waits for it" + lib.optionalString (first != last) ", and ${last} for that"
    );
}
