/** What a host without a PF needs, and how to see one without a card. */
export function NoPfs() {
  return (
    <section className="notice stack" aria-labelledby="no-pfs">
      <h2 id="no-pfs">No function of this host has SR-IOV</h2>
      <p>VFs are made by a physical function (PF) that has the SR-IOV capability. For one to be here:</p>
      <ul>
        <li>a card that has it: most network cards for servers, some NVMe controllers and accelerators;</li>
        <li>
          SR-IOV switched on where the card or the BIOS has a switch for it, and an IOMMU (VT-d, AMD-Vi) for guests;
        </li>
        <li>
          then <code>vfleet scan</code> on the host shows each PF, and whether VFs can be made.
        </li>
      </ul>
      <p>
        To try all of this without a card: <code>vfleet up --source model:examples/models/server.yaml</code>
      </p>
    </section>
  );
}
