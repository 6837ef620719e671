/** What shapes and colours mean. */
export function Legend() {
  return (
    <ul className="machine-legend muted" aria-label="Legend">
      <li>
        <span className="swatch free" aria-hidden="true" /> free
      </li>
      <li>
        <span className="swatch configured" aria-hidden="true" /> configured, nobody has it
      </li>
      <li>
        <span className="swatch in-use" aria-hidden="true" /> in use
      </li>
      <li>
        <span className="swatch unclear" aria-hidden="true" /> unclear: not all was read
      </li>
      <li>
        <span className="swatch place" aria-hidden="true" /> a place: can be made
      </li>
      <li>
        <span className="swatch problem" aria-hidden="true" /> corner: a problem
      </li>
      <li>
        <span aria-hidden="true">✖</span> preflight refuses VFs
      </li>
      <li>
        <span aria-hidden="true">▲</span> something to look at
      </li>
      <li>
        <span className="swatch group" aria-hidden="true" /> one IOMMU group: moves together
      </li>
      <li>
        <span className="swatch traffic" aria-hidden="true" /> traffic, as wide as its rate
      </li>
    </ul>
  );
}
